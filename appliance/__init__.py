"""Mattebox: a live background-replacement appliance.

The daemon's code. Nothing in this package imports torch or anything from ``export/``.
"""

from appliance import jit_cache as _jit_cache

__version__ = "0.1.0"

# Before anything can import numba, which reads the variable once.
_jit_cache.use()
