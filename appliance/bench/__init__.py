"""``mattebox bench``: what a frame costs on this machine. Measured, never asserted."""

from __future__ import annotations

from appliance.bench.run import run

__all__ = ["run"]
