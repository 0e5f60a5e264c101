"""The network run on a part of the frame, on the CPU: crop, carry, network, rescan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.media.frame import F32, Frame, Rect
from appliance.networks.base import Matting
from appliance.networks.none import NoNetwork
from appliance.pixels import cpu
from appliance.shedding import NETWORK_LEVELS, Level
from appliance.stages.base import Common, Work
from appliance.stages.letterbox import inner_rect
from appliance.stages.matte.checks import check_alpha
from appliance.stages.participants import Sighting
from appliance.stages.propagate.cpu import Carry
from appliance.stages.roi import Tracker, frame_box
from appliance.stages.split import Tile, tiles
from appliance.stages.timings import StageClock


class Look:
    """One network with everything needed to run it on a part of a frame, allocated once."""

    def __init__(self, matting: Matting, clock: StageClock) -> None:
        self.matting = matting
        self._clock = clock
        spec = self._spec = matting.manifest.input
        self.aspect = spec.width / spec.height
        # This frame's and the last one's: what compares the two need not copy them.
        self._planes = np.empty((2, 3 * spec.height * spec.width), np.float32)
        self._turn = 0
        self._mean = np.array(spec.mean, np.float32)
        self._scale = np.array(spec.scale, np.float32)
        self._black = (0 - self._mean) * self._scale
        self._tile = np.empty(3 * spec.height * spec.width, np.float32)
        self._inner: tuple[Rect, ...] = ()
        self._last: tuple[Rect, ...] = ()

    def reset(self) -> None:
        """Forget what the network remembers."""
        self.matting.reset()

    def crop(self, frame: Frame, rect: Rect) -> F32:
        """Y, Cb, Cr on the network's grid over ``rect``, float32 (3, rows, columns), 0..255.

        Overwritten by the crop after the next.
        """
        return self._crop(frame, rect, inner_rect(rect, self._spec))

    def _crop(
        self, frame: Frame, rect: Rect, inner: Rect, *, aside: bool = False, again: bool = False
    ) -> F32:
        shape, size = (3, inner.height, inner.width), 3 * inner.height * inner.width
        if aside:
            planes = np.empty(shape, np.float32)
        else:
            self._turn ^= not again
            planes = self._planes[self._turn, :size].reshape(shape)
        cpu.crop_planes(frame, rect, planes)
        return planes

    def tiles(self, rois: Sequence[Rect]) -> tuple[Tile, ...]:
        """These parts of the frame, each with its place in the network's input."""
        return tiles(rois, self._spec.height, self._spec.width)

    def fill(
        self, frame: Frame, rect: Rect, apart: Sequence[Tile] = (), *, aside: bool = False,
        again: bool = False,
    ) -> F32:  # fmt: skip
        """``crop``, and write the same into the network's input, for ``infer``.

        ``apart``: parts of ``rect`` to write into the input instead. ``aside``: a side pass, over
        another part than usual, into planes of its own. ``again``: in place of what was cropped of
        the same frame before.
        """
        inner = inner_rect(rect, self._spec)
        planes = self._crop(frame, rect, inner, aside=aside, again=again)
        self._make_room(tuple(tile.inner for tile in apart) or (inner,))
        if not apart:
            self._write(planes, inner, frame)
        for tile in apart:
            size = 3 * tile.inner.height * tile.inner.width
            closer = self._tile[:size].reshape(3, tile.inner.height, tile.inner.width)
            cpu.crop_planes(frame, tile.roi, closer)
            self._write(closer, tile.inner, frame)
        return planes

    def _make_room(self, inner: tuple[Rect, ...]) -> None:
        """Blacken what lies beside these parts of the input, where others were written last."""
        if inner != self._inner:
            self.matting.input[:] = self._black[:, None, None]
            self._inner = inner

    def _write(self, planes: F32, inner: Rect, frame: Frame) -> None:
        cpu.planes_to_tensor(
            planes, frame.colour, self._mean, self._scale,
            self.matting.input[:, inner.y : inner.bottom, inner.x : inner.right],
            bgr=self._spec.order == "BGR",
        )  # fmt: skip

    def infer(self, rect: Rect, apart: Sequence[Tile] = (), *, aside: bool = False) -> F32:
        """Raw alpha, float32 (rows, columns), of ``rect``; ``fill`` has filled the input.

        ``apart``: as given to ``fill``; what lies in none of them is 0. ``aside``: a side pass, of
        which nothing is remembered. Raises MattingError when the network throws.
        """
        seen = tuple(tile.roi for tile in apart) or (rect,)
        if not aside and seen != self._last:
            # The network's recurrent state is about another part of the picture.
            self.matting.reset()
            self._last = seen
        inner = inner_rect(rect, self._spec)
        alpha = self.matting.infer(remember=not aside)
        if not apart:
            return _part(alpha, inner)
        closer = [(_part(alpha, tile.inner), tile.roi) for tile in apart]
        return cpu.join_tiles(closer, rect, (inner.height, inner.width))

    def __call__(self, frame: Frame, rect: Rect, *, aside: bool = False) -> tuple[F32, F32]:
        """``fill`` and ``infer``: raw alpha, and Y, Cb, Cr planes, on the grid over ``rect``."""
        with self._clock("crop"):
            planes = self.fill(frame, rect, aside=aside)
        with self._clock("network"):
            alpha = self.infer(rect, aside=aside)
        return alpha, planes


def _part(alpha: F32, inner: Rect) -> F32:
    return alpha[inner.y : inner.bottom, inner.x : inner.right]


class Looks:
    """A network at one size: with its usual input and, where it has one, the upright one."""

    def __init__(self, matting: Matting, clock: StageClock) -> None:
        self.usual = Look(matting, clock)
        self.upright = Look(matting.upright, clock) if matting.upright else None

    def through(self, *, upright: bool) -> Look:
        """The look through the upright input, if wanted and there, else the usual one."""
        return self.upright if upright and self.upright is not None else self.usual


class NetworkSteps:
    """The steps from the frame to raw alpha, by the network or carried from the last frame."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._carry = Carry()
        self._level = Level.FULL
        self._matting: Matting | None = None
        self._look: Look | None = None
        self._looks: Looks | None = None
        self._full: Looks | None = None
        self._small: Looks | None = None
        self._apart: tuple[Tile, ...] = ()

    def use(self, matting: Matting) -> None:
        """Run another network from the next frame on; starts over, as its grid differs."""
        common, self._matting = self._common, matting
        self._full = self._looks = Looks(matting, common.clock)
        self._small = Looks(matting.smaller, common.clock) if matting.smaller else None
        self._look = self._full.usual
        upright = self._full.upright
        common.tracker = Tracker(
            common.settings.roi, common.format.width, common.format.height,
            self._full.usual.aspect, upright.aspect if upright else None,
        )  # fmt: skip
        self._carry.reset()
        self.shed(self._level)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of shedding that concern the network."""
        if isinstance(self._matting, NoNetwork):
            return (Level.FULL, Level.HALF)
        return tuple(
            level for level in NETWORK_LEVELS if level != Level.SMALL or self._small is not None
        )

    def shed(self, level: Level) -> None:
        """Run the network less from the next frame on: on every second frame, the smaller one."""
        self._level = level
        looks = self._small if self._small is not None and level >= Level.SMALL else self._full
        if looks is not self._looks:
            # The kept matte is on another grid.
            assert looks is not None
            self._carry.reset()
            self._looks = looks
            upright = looks.upright
            self._common.tracker.offer_upright(upright.aspect if upright else None)
        if level < Level.REUSE:
            self._carry.reset()

    def reset(self) -> None:
        """Forget what the network remembers, and the matte that was to be carried."""
        assert self._look is not None
        self._look.reset()
        self._carry.reset()

    def crop(self, work: Work) -> None:
        """The ROI, or the part for which the last matte can be carried, on the network's grid."""
        assert self._look is not None
        carried = self._carry.rect_at(work.frame.pts)
        if carried is not None:
            # The ROI may have moved on; the network follows it when it next runs.
            work.rect, work.held = carried, True
            work.planes = self._look.crop(work.frame, work.rect)
            return
        self._aim(work)

    def _aim(self, work: Work) -> None:
        """The ROI on the grid of the input that is for its shape, and in that input."""
        assert self._looks is not None
        tracker = self._common.tracker
        look = self._looks.through(upright=tracker.upright)
        again = look is self._look and work.planes is not None
        if look is not self._look:
            # Its recurrent state dates from when it last ran.
            look.reset()
            self._look = look
        work.rect = tracker.roi
        self._apart = () if tracker.upright else look.tiles(self._common.apart)
        work.planes = look.fill(work.frame, work.rect, self._apart, again=again)

    def carry(self, work: Work) -> None:
        """The last matte, moved along with the picture; None if that is impossible."""
        assert work.planes is not None
        if work.cut:
            # Seen in the whole frame: no look at the part of it is needed.
            self._carry.reset()
            return
        work.raw = self._carry.take(work.planes[0], work.motion, work.frame.rect)
        work.carried = work.raw is not None
        if work.carried:
            self._scan_if_due(work)

    def network(self, work: Work) -> None:
        """Raw alpha of the ROI. Raises MattingError when the network throws."""
        if work.held:
            # The matte was to be carried but could not be: run the network after all, on the ROI.
            self._aim(work)
        assert self._look is not None
        assert work.planes is not None
        assert work.rect is not None
        work.raw = self._look.infer(work.rect, self._apart)
        if self._level >= Level.REUSE:
            self._carry.keep(work.raw, work.planes[0], work.rect, work.frame.pts)
        # A slow machine has no time for two passes in one frame: a carried frame will follow, with
        # time for a look elsewhere.
        if self._level < Level.REUSE or work.held:
            self._scan_if_due(work)

    def _scan_if_due(self, work: Work) -> None:
        due = self._common.tracker.rescan_due(work.frame.captured, gaps=bool(self._apart))
        work.scan = due or None

    def rescan(self, work: Work) -> None:
        """An occasional look at the whole frame, for people outside the ROI."""
        assert self._looks is not None
        look = self._looks.through(upright=self._common.tracker.whole_upright)
        raw, _ = look(work.frame, work.frame.rect, aside=True)
        settings = self._common.settings
        check_alpha(raw, settings.matting.max_coverage)
        clean = settings.clean
        keep = clean.keep if clean.enabled else "all"
        kept = cpu.keep_components(raw, clean.threshold, keep, clean.min_area)
        work.elsewhere = frame_box(kept.box, raw.shape, work.frame.rect) if kept.box else None
        work.aside = Sighting(work.frame.rect, raw.shape, kept.found)
        work.scanned = raw
