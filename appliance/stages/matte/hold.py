"""How strongly the last matte holds this one: as long in seconds at any rate of frames.

A matte that is held wrongly is a ghost, and lasts for frames: eight at the usual strength. At 30
frames a second nobody sees that; at 10 it is most of a second. So from fewer than 20 on the last
matte counts for less, and for far less where the network disagrees with it.
"""

from __future__ import annotations

_UNIT_NS = 1e9 / 30
# Beyond, nothing is held where the network disagrees, and little where it does not.
_MOST = 8


def thirtieths(before: int, now: int) -> int:
    """Time between two frames in thirtieths of a second, 1 to 8; ``before``, ``now``: their pts.

    Whole ones, so that the jitter of a camera's clock changes nothing, and that the GPU's graphs
    of a few are enough. Faster than 30 a second counts as 30: the strength is what it always was.
    """
    return min(max(round((now - before) / _UNIT_NS), 1), _MOST)


def hold(strength: float, n: int) -> tuple[float, float]:
    """Shares of ``strength`` that are left, 0..1, after ``n`` thirtieths of a second.

    The first where the network agrees with the last matte: in all strength**n, which is as long a
    hold as n frames at 30 a second. The second where it disagrees: in all strength**(n*n). Both
    are 1 for n = 1.
    """
    return strength ** (n - 1), strength ** (n * n - 1)
