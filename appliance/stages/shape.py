"""Which of a network's two inputs the ROI is looked at through: the usual one or the upright one.

The measure is how finely the network sees the person, in the direction in which it sees them less
finely. The upright input's gain is its over the usual one's, as if both had as many pixels: 1 for a
square box, 1.8 for a standing person before inputs of 9:5 and 5:9, below 1 for a group.
"""

from __future__ import annotations

import math

from appliance.media.frame import Rect

MOST_STRETCH = 1.5
"""A part of another shape than the input's is stretched by at most this; then come black bars."""

# The upright input is taken from the first gain on, the usual one again below the second. Somebody
# at a desk is at 1 to 1.3; a standing person with arms spread wide comes down to 0.85, and needs no
# other input.
_TURN, _RETURN = 1.4, 0.8
# A frame in which nobody is known yet counts as upright from here on: 4:5 is at 1.25.
_UPRIGHT_FRAME = 1.15
# Frames in a row for which the other input must be the better one. An exchange costs a frame or two
# of coarser edges, as the last matte is on another grid.
_PATIENCE = 10


def detail(roi: Rect, aspect: float) -> float:
    """How finely an input sees the frame's part ``roi``: its pixels for one of the frame's.

    Those in the direction that gets fewer. ``aspect``: the input's width over height; it is taken
    to have one pixel in all, so that only inputs with as many pixels as each other compare.
    """
    stretch = (roi.width / roi.height) / aspect
    across = min(1.0, stretch * MOST_STRETCH) * math.sqrt(aspect) / roi.width
    down = min(1.0, MOST_STRETCH / stretch) / math.sqrt(aspect) / roi.height
    return min(across, down)


def gain(usual: Rect, upright: Rect, usual_aspect: float, upright_aspect: float) -> float:
    """How many times as finely a person is seen through the upright input.

    Args:
        usual, upright: the ROI around the same person for either input.
        usual_aspect, upright_aspect: either input's width over height.
    """
    return detail(upright, upright_aspect) / detail(usual, usual_aspect)


class Shape:
    """The choice between the two, which does not follow every gesture."""

    def __init__(self, whole: Rect, usual_aspect: float, upright_aspect: float) -> None:
        """``whole``: the frame. The aspects are the inputs' width over height."""
        self._aspects = usual_aspect, upright_aspect
        self.whole = gain(whole, whole, *self._aspects) >= _UPRIGHT_FRAME
        """Whether a look at the whole frame is through the upright input."""
        self.upright = self.whole
        """Whether the look at the ROI is."""
        self._waited = 0

    def reset(self) -> None:
        """Nobody is known any more."""
        self.upright, self._waited = self.whole, 0

    def choose(self, usual: Rect, upright: Rect, *, at_once: bool) -> None:
        """Choose for the ROI around a person: ``usual`` or ``upright``, by the input.

        ``at_once``: what was chosen before was not for this person.
        """
        now = gain(usual, upright, *self._aspects)
        better = now < _RETURN if self.upright else now > _TURN
        self._waited = self._waited + 1 if better else 0
        if not better or (self._waited < _PATIENCE and not at_once):
            return
        self.upright, self._waited = not self.upright, 0
