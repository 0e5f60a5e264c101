"""What one pull of the clock gives."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.avatars.clip import ClipFrame
from appliance.faces.base import Patch
from appliance.media.audio import I16
from appliance.media.caption import Caption
from appliance.playout.walk import Place


@dataclass(frozen=True, slots=True)
class Tick:
    """One picture, exactly the samples of its time, and what is being said.

    Attributes:
        number: counts ticks from 0.
        place: which frame of which clip or seam it is. picture: that frame, read only.
        cut: the picture does not go on from the last one; only where an avatar lacks a seam.
        patch: what to lay over it; None: nothing, to the byte.
        samples: int16 (count, 2), 48 kHz: ``samples_until(number + 1) - samples_until(number)``.
        caption: the cue to be shown; None: none.
    """

    number: int
    place: Place
    picture: ClipFrame
    cut: bool
    patch: Patch | None
    samples: I16
    caption: Caption | None
