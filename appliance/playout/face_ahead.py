"""The thread in which a face driver works, a few ticks ahead of the clock.

A patch that is late, or was made for a picture that is not shown after all, is left out: the base
picture is shown, and nothing ever waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from appliance.avatars.avatar import Avatar
from appliance.avatars.clip import samples_until
from appliance.errors import MatteboxError
from appliance.faces.base import FaceDriver, Patch, Shown, Spoken
from appliance.media.audio import I16, RATE
from appliance.playout.turn import At
from appliance.playout.walk import Place
from appliance.voices.base import Mark

log = structlog.get_logger(__name__)

_STOP_S = 2.0
_REST_S = 5.0
_WAIT_S = 0.25


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be made: pictures from a tick on, and the sound from that tick's first sample."""

    tick: int
    turn: int
    places: Sequence[Place]
    sound: I16
    past: I16
    marks: Sequence[At]
    heard: int


class FaceAhead:
    """Has a driver make patches ahead. ``ask`` and ``patch`` are for the clock's thread.

    Attributes:
        ahead: ticks that it works ahead. samples_ahead: 48 kHz samples that it needs to be told.
        late: ticks whose patch was not there in time.
    """

    def __init__(self, driver: FaceDriver, avatar: Avatar) -> None:
        """Raises FaceError when the driver cannot serve the avatar."""
        driver.prepare(avatar)
        self._driver, self._avatar = driver, avatar
        spec = driver.spec
        self.ahead = max(3, 2 * spec.batch)
        fps = avatar.format.fps
        self.samples_ahead = samples_until(self.ahead + 1, fps) + spec.right_ms * RATE // 1000
        self.late = 0
        self._past = np.zeros(spec.left_ms * RATE // 1000, np.int16)
        self._past_of = 0
        self._made: dict[int, tuple[int, Place, Patch | None]] = {}
        self._job: _Job | None = None
        self._moved = threading.Condition()
        self._stop = False
        self._turn = 0
        self._rest_until = 0.0
        self._told = ""
        self._thread = threading.Thread(target=self._run, name="face", daemon=True)
        self._thread.start()

    def ask(
        self, tick: int, turn: int, places: Sequence[Place], heard: I16, sound: I16,
        marks: Sequence[At], taken: int,
    ) -> None:  # fmt: skip
        """Have the patches made for the ticks from ``tick`` on.

        ``heard``: the samples of the tick before, ``sound``: those from ``tick`` on, ``taken``: how
        many of the turn came before these.
        """
        if turn != self._past_of:
            self._past[:] = 0
            self._past_of = turn
        if len(self._past):
            both = np.concatenate([self._past, _mono(heard)])
            self._past = both[len(both) - len(self._past) :]
        with self._moved:
            self._job = _Job(tick, turn, tuple(places), sound, self._past, marks, taken)
            self._moved.notify_all()

    def patch(self, tick: int, turn: int, place: Place) -> Patch | None:
        """The patch for this tick, if it was made for this turn and picture."""
        with self._moved:
            found = self._made.pop(tick, None)
            for old in [number for number in self._made if number < tick]:
                del self._made[old]
        if found is None or found[:2] != (turn, place):
            self.late += place.seam is None
            return None
        return found[2]

    def close(self) -> None:
        """End the thread; the driver is closed when it lets go."""
        with self._moved:
            self._stop = True
            self._moved.notify_all()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            while True:
                with self._moved:
                    while self._job is None and not self._stop:
                        self._moved.wait(_WAIT_S)
                    if self._stop:
                        return
                    job, self._job = self._job, None
                assert job is not None
                self._make(job)
        finally:
            self._driver.close()

    def _make(self, job: _Job) -> None:
        if time.monotonic() < self._rest_until:
            return
        if job.turn != self._turn:
            self._turn = job.turn
            self._tried(lambda: self._reset(job.turn))
        batch = self._driver.spec.batch
        for first in range(0, len(job.places) - batch + 1, batch):
            indices = range(first, first + batch)
            with self._moved:
                if self._stop or (self._job is not None and self._job.turn != job.turn):
                    return
                made = [self._made.get(job.tick + i, (0, None))[:2] for i in indices]
            if all(one == (job.turn, job.places[i]) for one, i in zip(made, indices, strict=True)):
                continue
            self._batch(job, indices)

    def _batch(self, job: _Job, indices: range) -> None:
        places = [job.places[i] for i in indices]
        patches: list[Patch | None] = [None] * len(places)
        if all(place.seam is None for place in places):
            shown = [self._shown(place) for place in places]
            spoken = [self._spoken(job, i) for i in indices]
            result = self._tried(
                lambda: _of_all(self._driver.step(job.turn, shown, spoken), len(shown))
            )
            if result is None:
                return
            patches = result
        with self._moved:
            for i, place, patch in zip(indices, places, patches, strict=True):
                self._made[job.tick + i] = (job.turn, place, patch)

    def _reset(self, turn: int) -> list[Patch | None]:
        self._driver.reset(turn)
        return []

    def _tried(self, call: Callable[[], list[Patch | None]]) -> list[Patch | None] | None:
        """What the driver gives; None if it failed, and then it is left alone for a while."""
        try:
            result = call()
            for patch in result:
                _check(patch)
        except Exception as error:  # noqa: BLE001  a driver may be anybody's code
            why = (
                str(error)
                if isinstance(error, MatteboxError)
                else f"{type(error).__name__}: {error}"
            )
            self._rest_until = time.monotonic() + _REST_S
            if why != self._told:
                log.warning("the face driver failed; it rests", rests_s=_REST_S, why=why)
                self._told = why
            return None
        return result

    def _shown(self, place: Place) -> Shown:
        picture = self._avatar.clips[place.clip].frame(place.frame)
        return Shown(place.clip, place.frame, picture.y, picture.uv, picture.alpha, picture.rect)

    def _spoken(self, job: _Job, index: int) -> Spoken:
        spec, fps = self._driver.spec, self._avatar.format.fps
        # From the first sample asked about on: cadences differ by one sample at most.
        first, end = samples_until(index, fps), samples_until(index + 1, fps)
        line = np.concatenate([job.past, _mono(job.sound)])
        start = first + len(job.past) - spec.left_ms * RATE // 1000
        stop = end + len(job.past) + spec.right_ms * RATE // 1000
        window = line[start:stop]
        if len(window) < stop - start:
            window = np.concatenate([window, np.zeros(stop - start - len(window), np.int16)])
        marks = tuple(
            Mark((at.sample - job.heard - first) * 1000 / RATE, at.kind, at.value, at.position,
                 at.length)
            for at in job.marks if at.kind != "caption"
        )  # fmt: skip
        return Spoken(_at_rate(window, spec.rate), marks)


def _mono(samples: I16) -> I16:
    return np.ascontiguousarray(samples[:, 0])


def _at_rate(samples: I16, rate: int) -> I16:
    """48 kHz to the driver's rate, by the mean of each sample's time."""
    if rate == RATE:
        return samples
    count = len(samples) * rate // RATE
    edges = np.arange(count + 1) * RATE // rate
    sums = np.concatenate([[0], np.cumsum(samples, dtype=np.int64)])
    out: I16 = ((sums[edges[1:]] - sums[edges[:-1]]) / np.diff(edges)).astype(np.int16)
    return out


def _of_all(patches: list[Patch | None], count: int) -> list[Patch | None]:
    """The same. Raises ValueError for another number of them."""
    if len(patches) != count:
        raise ValueError(f"{len(patches)} patches for {count} pictures")
    return patches


def _check(patch: Patch | None) -> None:
    """Raises ValueError for a patch that is not what it says."""
    if patch is None:
        return
    r, mask = patch.rect, patch.mask
    shape, half = (r.height, r.width), ((r.height + 1) // 2, (r.width + 1) // 2, 2)
    planes = [(patch.y, shape), (patch.uv, half)]
    planes += [] if mask is None else [(mask, shape)]
    # The paste takes these and nothing else, and it is the clock's thread that pastes.
    if 0 in shape or any(one.shape != wanted or one.dtype != np.uint8 for one, wanted in planes):
        found = ", ".join(f"{one.shape} {one.dtype}" for one, _ in planes)
        raise ValueError(
            f"a patch of {found} for {r.width}x{r.height} pixels: expected uint8, {shape} and "
            f"{half}, and a mask as the first"
        )
