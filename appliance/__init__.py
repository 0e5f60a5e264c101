"""Mattebox: a live background-replacement appliance.

The daemon's code. Nothing in this package imports torch or anything from ``export/``.
"""

import os as _os

from appliance.system import jit_cache as _jit_cache

__version__ = "0.1.0"

# ONNX Runtime's wheels of 2026 send telemetry: they keep a machine ID and usage figures in the
# cache, to be uploaded. A box that watches a room tells nobody anything.
_os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Before anything can import numba, which reads the variable once.
_jit_cache.use()
