"""Where things of the chosen classes are, and their joining with the person, on the CPU.

Where they are is found on the CPU on either side: the network of classes looks now and then only,
and at a small picture.
"""

from __future__ import annotations

from typing import Protocol

from appliance.config.settings import Settings
from appliance.config.settings.stages.select import SelectSettings
from appliance.errors import ModelError
from appliance.media.frame import Format, Frame
from appliance.networks.classes import ClassNetwork
from appliance.networks.loading import Loading
from appliance.pixels import cpu
from appliance.pixels.cpu.flow import Motion
from appliance.shedding.level import Level
from appliance.stages.base import Common, Work
from appliance.stages.roi import frame_box
from appliance.stages.select.look import ClassLook
from appliance.stages.select.wanted import class_network, class_numbers, person_numbers
from appliance.stages.things import Things

# Of what a new look says, against what is known from the last one: a thing that the network sees
# in one look and not in the next fades, and does not flash.
_FRESH = 0.6
# One frame may be so late, as a network is loaded; what takes longer goes on beside the path.
_LOAD_S, _LOAD_FAST_S = 0.2, 10.0


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

    The network is loaded when it is first needed, and again when the settings ask for something
    else; if that takes long, beside the frame's path, and until it is there nothing is found.
    """

    def __init__(self, common: Selecting) -> None:
        self._common = common
        self._made_for: tuple[object, ...] | None = None
        self._loading: Loading[ClassLook] | None = None
        self._look: ClassLook | None = None
        self._shares: cpu.Shares | None = None
        self._since = 0

    def reset(self) -> None:
        """Forget what was found: after a cut, a failure, a reconnect."""
        self._shares, self._since = None, 0

    def select(self, work: Selected) -> None:
        """Where things are in this frame; nothing is given until the network is loaded.

        Raises ModelError when it cannot be used.
        """
        s = self._common.settings.stages.select
        look = self._ready()
        if look is None:
            return
        spared = self._common.level >= Level.SPARE
        every = 2 * s.every if spared else s.every
        shares = None
        if self._shares is not None and work.motion is not None:
            shares = cpu.carry_shares(self._shares, work.motion.origin)
        self._since += 1
        # Without motion (a cut, a light that was switched) nothing is known of this frame.
        if shares is None or self._since >= every:
            fresh = look(work.frame)
            shares = fresh if shares is None else cpu.mixed(shares, fresh, _FRESH)
            self._since = 0
        share = shares.things if s.person else cpu.without_people(shares)
        box = cpu.box_of(share)
        around = frame_box(box, share.shape, work.frame.rect) if box else None
        self._shares = shares
        work.things = Things(share, around)

    def _ready(self) -> ClassLook | None:
        """A look through the network that the settings name; None until that is loaded.

        Raises ModelError if it cannot be used; the next call tries again.
        """
        common = self._common.settings
        settings, threads = common.stages.select, common.matting.threads
        wanted = (settings.model, settings.names, threads)
        if wanted != self._made_for:
            self._made_for, self._look = wanted, None
            self._loading = Loading(lambda: _load(settings, threads), settings.model)
            # A file that is converted has to have all of it.
            fast = common.source_in_use.pace == "fast"
            self._loading.wait(_LOAD_FAST_S if fast else _LOAD_S)
            self.reset()
        if self._loading is not None:
            try:
                made = self._loading.get()
            except ModelError:
                self._made_for = None
                raise
            if made is not None:
                self._look, self._loading = made, None
        return self._look


def _load(settings: SelectSettings, threads: int) -> ClassLook:
    manifest, model = class_network(settings)
    chosen = class_numbers(manifest, settings.things)
    person = person_numbers(manifest)
    network = ClassNetwork(manifest, model, threads)
    return ClassLook(network, chosen, person, shown=settings.person)


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
