"""Where things of the chosen classes are, and their joining with the person, on the CPU.

Where they are is found on the CPU on either side: the network of classes looks now and then only,
and at a small picture.
"""

from __future__ import annotations

from typing import Protocol

from appliance.config.settings import Settings
from appliance.media.frame import F32, Format, Frame
from appliance.networks.classes import ClassNetwork
from appliance.pixels import cpu
from appliance.pixels.cpu.flow import Motion
from appliance.shedding.level import Level
from appliance.stages.base import Common, Work
from appliance.stages.roi import frame_box
from appliance.stages.select.look import ClassLook
from appliance.stages.select.things import Things
from appliance.stages.select.wanted import class_network, class_numbers

# Of what a new look says, against what is known from the last one: a thing that the network sees
# in one look and not in the next fades, and does not flash.
_FRESH = 0.6


class Selecting(Protocol):
    """What the step needs of its pipeline's shared state."""

    settings: Settings
    format: Format
    level: Level


class Selected(Protocol):
    """What the step needs of a frame's work."""

    things: Things | None

    @property
    def frame(self) -> Frame:
        """The frame."""
        ...

    @property
    def motion(self) -> Motion | None:
        """How the picture moved since the last frame."""
        ...


class SelectSteps:
    """Looks at every so manieth frame; in between, what was found follows the motion.

    The network is loaded when it is first needed, and again when the settings name another.
    """

    def __init__(self, common: Selecting) -> None:
        self._common = common
        self._made_for: tuple[object, ...] = ()
        self._look: ClassLook | None = None
        self._chosen: tuple[int, ...] = ()
        self._share: F32 | None = None
        self._since = 0

    def reset(self) -> None:
        """Forget what was found: after a cut, a failure, a reconnect."""
        self._share, self._since = None, 0

    def select(self, work: Selected) -> None:
        """Where things are in this frame. Raises ModelError when the network cannot be used."""
        s = self._common.settings.stages.select
        look = self._ready()
        spared = self._common.level >= Level.SPARE
        every = 2 * s.every if spared else s.every
        share = None
        if self._share is not None and work.motion is not None:
            share = cpu.follow(self._share, work.motion.origin)
        self._since += 1
        # Without motion (a cut, a light that was switched) nothing is known of this frame.
        if share is None or self._since >= every:
            fresh = look(work.frame, self._chosen)
            share = fresh if share is None else cpu.mixed(share, fresh, _FRESH)
            self._since = 0
        box = cpu.box_of(share)
        around = frame_box(box, share.shape, work.frame.rect) if box else None
        self._share = share
        work.things = Things(share, around)

    def _ready(self) -> ClassLook:
        """The network that the settings name, loaded, and the numbers of the chosen classes."""
        settings = self._common.settings
        s = settings.stages.select
        wanted = (s.model, s.things, settings.matting.threads)
        if self._look is None or wanted != self._made_for:
            manifest, model = class_network(s)
            self._chosen = class_numbers(manifest, s.things)
            self._look = ClassLook(ClassNetwork(manifest, model, settings.matting.threads))
            self._made_for = wanted
            self.reset()
        return self._look


class JoinSteps:
    """The person and the things, as one matte."""

    def __init__(self, common: Common) -> None:
        self._common = common

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def join(self, work: Work) -> None:
        """The things beside the person, or instead of them, in place."""
        assert work.alpha is not None
        assert work.raw is not None
        assert work.rect is not None
        things = None
        if work.things is not None:
            things = cpu.resample(
                work.things.share, work.frame.rect, work.rect, work.alpha.shape, 0.0
            )
        person = self._common.settings.stages.select.person
        cpu.join_things(work.alpha, work.raw, things, person=person)
