"""Join: the person's alpha and the things', as one."""

from __future__ import annotations

import numpy as np

from appliance.media.frame import F32
from appliance.pixels.cpu.jit import kernel


@kernel("void(float32[:, :], float32[:, :], float32[:, :], float32)")
def _join(alpha: F32, raw: F32, things: F32, person: np.float32) -> None:
    for j in range(alpha.shape[0]):
        for i in range(alpha.shape[1]):
            shown = alpha[j, i] * person
            seen = min(max(raw[j, i], np.float32(0)), np.float32(1))
            hidden = min(max(np.float32(2) * (seen - shown), np.float32(0)), np.float32(1))
            alpha[j, i] = shown + (np.float32(1) - shown) * things[j, i] * (np.float32(1) - hidden)


def join_things(alpha: F32, raw: F32, things: F32 | None, *, person: bool) -> None:
    """Show things beside the person, or instead of them; in place.

    alpha becomes p + (1 - p) * t * (1 - h), with p = alpha, or 0 where no person is to be shown,
    and h = clip(2 * (raw - p), 0, 1): whoever is there and not shown is not let in by a thing
    around them.

    Args:
        alpha: float32 (rows, columns), 0..1, of those who are shown. raw: of everybody.
        things: t, float32 of the same shape, 0..1; None: nothing is there.
        person: whether persons are shown at all.
    """
    if things is not None:
        _join(alpha, raw, things, np.float32(person))
    elif not person:
        alpha[:] = 0
