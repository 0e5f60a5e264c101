"""Mattebox: a live background-replacement appliance.

The daemon's code. Nothing in this package imports torch or anything from ``export/``.
"""

import os as _os

from appliance.system import jit_cache as _jit_cache

__version__ = "0.1.0"

# ONNX Runtime's wheels of 2026 report to their maker: they keep an identity of the machine in the
# cache, and figures to be sent. A box that sees a room tells nobody anything.
_os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Before anything can import numba, which reads the variable once.
_jit_cache.use()
