"""The samples of a tick: speech, what a clip sounds like, and silence; cuts without a click."""

from __future__ import annotations

import numpy as np

from appliance.media.audio import CHANNELS, I16, RATE

FADE = RATE // 100
"""Samples of a fade: 10 ms."""

_DOWN = np.linspace(1, 0, FADE, endpoint=False, dtype=np.float32)[:, None]


def faded_out(samples: I16) -> I16:
    """The first 10 ms of what would have come, going to silence: int16 (FADE or fewer, 2)."""
    part = samples[:FADE]
    out: I16 = np.rint(part * _DOWN[: len(part)]).astype(np.int16)
    return out


def faded_in(samples: I16) -> I16:
    """The same samples, the first 10 ms of them coming out of silence."""
    out = samples.copy()
    part = out[:FADE]
    out[: len(part)] = np.rint(part * (1 - _DOWN[: len(part)])).astype(np.int16)
    return out


def mixed(count: int, *parts: I16) -> I16:
    """Exactly ``count`` samples: the parts added up from the first one on, silence after them."""
    if len(parts) == 1 and len(parts[0]) == count:
        return parts[0]
    out = np.zeros((count, CHANNELS), np.int32)
    for part in parts:
        length = min(count, len(part))
        out[:length] += part[:length]
    return np.clip(out, -32768, 32767).astype(np.int16)
