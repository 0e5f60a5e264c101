"""Mattebox: a live background-replacement appliance.

The daemon's code. Nothing in this package imports torch or anything from ``export/``.
"""

__version__ = "0.1.0"
