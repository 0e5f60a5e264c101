"""The empty room on the GPU: learnt, kept in step with the light, and used.

Picture and plate are compared on the device; the host follows the light with the sums, a frame
later. Alpha pixel by pixel along the edge (``plate-detail``) is the CPU's alone.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.cuda.context import Buffer, Context
from appliance.media.frame import Rect
from appliance.pixels import gpu
from appliance.pixels.cpu.plate_light import RoomLight
from appliance.pixels.gpu.layer import PersonLayer
from appliance.pixels.gpu.planes import Plane, Raw
from appliance.pixels.gpu.plate import KNOWN, Plate, turns_of
from appliance.pixels.gpu.plate_light import COMPARED, settle
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.plate.reach import (
    LOOK_NS,
    MARGIN,
    NOBODY_SHARE,
    margin_of_look,
    parts_on_grid,
    refused,
    unramped,
)
from appliance.stages.plate.trust import Trust


class PlateSteps:
    """Learns the empty room, and weighs it in."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        context, f = common.context, common.format
        self._plate = gpu.empty_plate(context, f)
        self._light, self._light_there = RoomLight(), gpu.DeviceLight(context)
        self._trust = Trust()
        self._turn, self._turns = 0, turns_of(f.height)
        self._known = np.zeros(self._turns, np.int64)
        self._compared = _Back(context, COMPARED, np.float32)
        self._seen = _Back(context, (3,), np.int32)
        self._seen_turn = 0
        self._grid: _GridOfPlate | None = None
        self._parts: tuple[tuple[int, int, int, int], ...] = ()
        self._scan: tuple[tuple[int, int], int] | None = None
        self._share, self._frames = 0.0, 0
        self._looked = self._forgotten = False
        self._until: int | None = None
        self.control = common.plate

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    @property
    def known(self) -> float:
        """The part of the picture that is known, 0..1, as of the last round of turns."""
        rows, columns = self._plate.cells
        return float(self._known.sum()) / (rows * columns)

    @property
    def sound(self) -> bool:
        """Whether the plate is used as evidence."""
        return self._trust.sound

    def reset(self) -> None:
        """After a cut, a failure, a reconnect the plate must prove anew that it fits."""
        self._trust.interrupt(self.known)
        self._light.reset()
        self._compared.forget()
        self._seen.forget()
        self._scan, self._looked = None, False
        if self._until is not None:
            self._until = None
            self.control.tell(0.0, False, "refused", "the picture was interrupted; try again")

    def forget(self) -> None:
        """Start over: the plate does not show this room, or not from here."""
        # The device forgets before its next launch: this one may be part of a recording.
        self._forgotten = True
        self._trust.start_over()
        self._light.reset()
        self._known[:] = 0
        self._compared.forget()
        self._seen.forget()

    def begin(self, work: DeviceWork) -> None:
        """Follow the light by what the last frame showed; note where all is."""
        assert work.rect is not None
        assert work.planes is not None
        compared = self._compared.read()
        if compared is not None:
            *sums, self._share = gpu.sums_of(compared)
            if self._trust.take_in(settle(self._light, *sums)):
                self.forget()
        self._take_in_learnt()
        self._forget_there()
        scratch = self._common.memory.scratch
        size = (scratch.rows, scratch.columns)
        if self._grid is None or self._grid.size != size:
            self._grid, self._scan = _GridOfPlate.of(self._common.context, size), None
        self._parts = tuple(parts_on_grid(self._common.apart, work.rect, work.planes.grid))
        self._frames += 1
        start = self._frames & 1
        self._light_there.put(self._light, used=self._trust.sound, start=start)
        work.room = (self._plate, self._light_there.address)
        self._looked = True

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        assert self._grid is not None
        matte = self._common.settings.stages.plate.matte
        return (work.rect, self._parts, self._grid.planes.address, matte)

    def end(self, work: DeviceWork) -> None:
        """Have what was compared sent to the host."""
        self._compared.fetch()

    def plate(self, work: DeviceWork) -> None:
        """Compare the room with the plate; what looks like it is not the person."""
        assert work.alpha is not None
        assert work.planes is not None
        assert work.rect is not None
        assert work.raw is not None
        assert self._grid is not None
        common, grid, light = self._common, self._grid, self._light_there.address
        memory, shape = common.memory, work.alpha.grid
        expected, noise = grid.plane(0, shape), grid.plane(3, shape)
        gpu.taken_cells(
            memory.scratch, work.raw, work.alpha, MARGIN, grid.along.address, grid.taken.address,
            seen=self._parts, verdict=memory.this.verdict.address,
        )  # fmt: skip
        gpu.expected_planes(memory.scratch, self._plate, light, work.rect, expected, noise)
        gpu.compare(
            common.context, work.planes, expected, noise, grid.taken.address, work.rect,
            common.format.rect, light, self._compared.address,
        )  # fmt: skip
        if not common.settings.stages.plate.matte:
            return
        person, weighed = grid.plane(4, shape), grid.plane(9, shape)
        gpu.person_colours(
            memory.scratch, work.planes, work.alpha, expected, noise,
            common.settings.refine.radius + 3, light, grid.plane(10, shape), person,
        )  # fmt: skip
        gpu.weigh_in(
            memory.scratch, work.alpha, work.planes, expected, noise, person, light, weighed
        )
        work.alpha = weighed

    def learn(self, work: DeviceWork) -> None:
        """Learn a part of the rows where nobody is."""
        assert work.rect is not None
        assert work.live is not None
        looked, self._looked = self._looked, False
        if work.scanned is not None and self._grid is not None:
            self._note_scan(work.scanned, work.frame.pts, self._grid)
        self._heed(work)
        self._forget_there()
        if not looked or self._grid is None or work.planes is None:
            return
        if self._until is not None:
            self._learn_at_once(work)
            return
        always = self._common.settings.stages.plate.learn == "always"
        if not always or not self._trust.learns:
            return
        plate, turn, turns, scan = self._plate, self._turn, self._turns, self._scan
        after_scan = scan is not None and 0 <= work.frame.pts - scan[1] <= LOOK_NS
        if scan is not None and after_scan:
            where = self._common.format.rect
            gpu.free_cells(plate, self._grid.scan.address, scan[0], where, turn, turns)
        gpu.free_cells(
            plate, self._grid.taken.address, work.planes.grid, work.rect, turn, turns,
            clear=not after_scan,
        )  # fmt: skip
        self._seen.clear()
        gpu.learn(plate, work.live, self._light_there.address, turn, turns, self._seen.address)
        self._seen.fetch()
        self._seen_turn, self._turn = turn, (turn + 1) % turns

    def _take_in_learnt(self) -> None:
        seen = self._seen.read()
        if seen is None:
            return
        free, odd, known = (int(value) for value in seen)
        if self._seen_turn < 0:
            self._known[:] = 0
        self._known[max(self._seen_turn, 0)] = known
        rows, columns = self._plate.cells
        if self._seen_turn >= 0 and self._trust.take_in_learnt(
            free, odd, rows * columns // self._turns
        ):
            self.forget()

    def _note_scan(self, scanned: Raw, pts: int, grid: _GridOfPlate) -> None:
        gpu.taken_cells(
            self._common.memory.scratch, scanned, None, margin_of_look(scanned.columns),
            grid.along.address, grid.scan.address,
            verdict=self._common.memory.aside_verdict.address,
        )  # fmt: skip
        self._scan = ((scanned.rows, scanned.columns), pts)

    def _heed(self, work: DeviceWork) -> None:
        """Take what others wish for, and tell them, once a turn, how it stands."""
        seconds, forget = self.control.take()
        if forget:
            self.forget()
        if seconds:
            self.forget()
            self._until = work.frame.pts + round(seconds * 1e9)
        if self._turn == 0 or forget:
            self.control.tell(self.known, self._trust.sound)

    def _learn_at_once(self, work: DeviceWork) -> None:
        """Learn the whole picture, as nobody is in view; refused if the network sees somebody."""
        assert self._until is not None
        assert work.live is not None
        if self._share > NOBODY_SHARE:
            self._until = None
            self.forget()
            self.control.tell(0.0, False, "refused", refused(self._share))
            return
        self._seen.clear()
        gpu.learn(
            self._plate, work.live, self._light_there.address, 0, 1, self._seen.address,
            everywhere=True,
        )  # fmt: skip
        self._seen.fetch()
        self._seen_turn = -1
        if work.frame.pts >= self._until:
            self._until = None
            self.control.tell(self.known, self._trust.sound, "learnt")

    def _forget_there(self) -> None:
        if self._forgotten:
            self._forgotten = False
            self._plate.forget()


class ColourSteps:
    """The person's own colour in soft pixels."""

    def __init__(self, common: DeviceCommon) -> None:
        self._common = common
        self._layer: PersonLayer | None = None
        self._room: tuple[Plate, int] | None = None
        self._within = Rect(0, 0, 0, 0)

    def reset(self) -> None:
        """Nothing is carried over time here."""

    @property
    def recordable(self) -> bool:
        """See ``DevicePart.recordable``."""
        return True

    def begin(self, work: DeviceWork) -> None:
        """The layer as it is here: a later stage may put another in its place."""
        assert work.rect is not None
        self._layer, self._room = work.layer, work.room
        ramp = self._common.settings.roi.ramp
        self._within = unramped(work.rect, work.frame.rect, ramp)

    def key(self, work: DeviceWork) -> Hashable:
        """See ``DevicePart.key``."""
        return (self._layer, self._within, self._room and self._room[1])

    def end(self, work: DeviceWork) -> None:
        """Nothing to advance."""

    def colour(self, work: DeviceWork) -> None:
        """Take the room's colour out of the layer."""
        assert work.live is not None
        assert self._layer is not None
        if self._room is None:
            return
        plate, light = self._room
        gpu.true_colour(
            self._common.context, self._layer, work.live, plate, light, self._within, KNOWN
        )


class _Back:
    """A few numbers on the device, on their way to the host; never waited for."""

    def __init__(self, context: Context, shape: tuple[int, ...], dtype: Any) -> None:
        self._context = context
        self._there: NDArray[Any] = context.pinned(shape, dtype)
        self._buffer = context.alloc(self._there.nbytes, zero=True)
        self.address = self._buffer.address
        with context.guard("making an event"):
            self._event = context.driver.Event(context.driver.event_flags.DISABLE_TIMING)
        self._sent = False

    def forget(self) -> None:
        """What is on its way is not wanted any more."""
        self._sent = False

    def clear(self) -> None:
        """All 0. Not to be recorded."""
        with self._context.guard("clearing what is counted"):
            self._context.driver.memset_d8_async(
                self.address, 0, self._there.nbytes, self._context.stream
            )

    def fetch(self) -> None:
        """Launch the copy. Not to be recorded."""
        with self._context.guard("reading back what was counted"):
            self._context.driver.memcpy_dtoh_async(self._there, self.address, self._context.stream)
            self._event.record(self._context.stream)
        self._sent = True

    def read(self) -> NDArray[Any] | None:
        """What has come, once; None: nothing, or not yet."""
        if not self._sent:
            return None
        with self._context.guard("asking for what was counted"):
            if not self._event.query():
                return None
        self._sent = False
        return self._there


@dataclass(frozen=True, slots=True)
class _GridOfPlate:
    """Memory for one network's grid.

    Attributes:
        size: rows and columns of the largest grid.
        planes: float32 (16, rows, columns): expected 3, noise 1, person 5, alpha 1,
            weighed 6. along, taken, scan: uint8 (rows, columns), see ``gpu.taken_cells``.
    """

    size: tuple[int, int]
    planes: Buffer
    along: Buffer
    taken: Buffer
    scan: Buffer

    @classmethod
    def of(cls, context: Context, size: tuple[int, int]) -> _GridOfPlate:
        pixels = size[0] * size[1]
        return cls(
            size, context.alloc(16 * 4 * pixels), context.alloc(pixels), context.alloc(pixels),
            context.alloc(pixels),
        )  # fmt: skip

    def plane(self, index: int, grid: tuple[int, int]) -> Plane:
        """Planes from this one on, for a grid that may be smaller."""
        return Plane(self.planes.address, *grid).plane(index)
