"""What outputs ask for beside the composite, on the CPU."""

from __future__ import annotations

from appliance.config.settings import Companion
from appliance.media.frame import Frame
from appliance.pixels import cpu
from appliance.stages.base import Common, Work
from appliance.stages.key_fill.kinds import plain_of


class KeyFillSteps:
    """Draws each kind once a frame, all from the layer that was composited."""

    def __init__(self, common: Common) -> None:
        self._common = common

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def draw(self, work: Work) -> None:
        """The person alone, as each kind wants them; nobody where there is no layer."""
        assert work.companions is not None
        for companion, out in work.companions.items():
            draw(companion, work.layer, out)
        if work.made_at is not None and work.layer_between is not None and work.also_companions:
            for companion, out in work.also_companions.items():
                draw(companion, work.layer_between, out)
            work.made_beside = True


def draw(companion: Companion, layer: cpu.PersonLayer | None, out: Frame) -> None:
    """Draw one kind; None for nobody."""
    if companion.what == "key":
        cpu.draw_key(layer, out)
    elif companion.what == "green":
        cpu.draw_over_plain(layer, plain_of(companion, out.colour), out)
    else:
        cpu.draw_fill(layer, out, straight=companion.what == "fill-straight")
