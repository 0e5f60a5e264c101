"""By how much the edge is moved and softened."""

from __future__ import annotations

from appliance.config.settings import EdgeSettings


def moves(settings: EdgeSettings, *, matted: bool) -> tuple[float, float]:
    """``choke`` and ``softness``, in pixels, for one frame; 0, 0: the matte stays as it is.

    ``matted``: its matte came with it. Outside of that the picture may hold anything, so nothing
    more of it may be shown: such an edge is only ever shrunk.
    """
    if matted:
        return max(0.0, settings.choke), 0.0
    return settings.choke, settings.softness
