"""puppet://: a still of a person, moved by the pose of somebody in a driving clip.

The first time a clip is played it is looked at picture by picture; from the second round on, and
the next time, its motion is known, and the clip is not even opened.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import structlog

from appliance.config.puppet_address import PuppetAddress
from appliance.config.settings import SourceSettings
from appliance.errors import MattingError, SourceError
from appliance.media.frame import Colour, Format, Frame, Matrix, Rect, blank
from appliance.networks.pose import PoseNetwork, load_pose
from appliance.sources.check_file import check_file
from appliance.sources.puppet.gesture import Gesture, hidden_limbs, read_gesture
from appliance.sources.puppet.hold import Hold
from appliance.sources.puppet.motion import DRIVE, DrivingMotion, DrivingStep, Played, Replayed
from appliance.sources.puppet.one_euro import OneEuro
from appliance.sources.puppet.stage import PuppetStage
from appliance.sources.puppet.still import read_still, set_stage
from appliance.sources.puppet.track import Track, cache_name, load, save
from appliance.sources.puppet.tracker import PoseTracker
from appliance.system.file_identity import identity

log = structlog.get_logger(__name__)

# Of the One-Euro filter; places are in thousandths of the clip's longer side.
_CUTOFF_HZ, _PER_SPEED = 1.0, 0.01


class PuppetSource:
    """The puppet, in the still's own size and at the clip's rate unless told otherwise."""

    def __init__(self, settings: SourceSettings, address: PuppetAddress) -> None:
        self.settings = settings
        self.live = self.paced = settings.pace != "fast"
        self._still = address.still.expanduser()
        self._clip = address.drive.expanduser()
        self._over = address.over
        self._network: PoseNetwork | None = None
        self._motion: DrivingMotion | None = None
        self._known: tuple[str, Track] | None = None
        self._stage: PuppetStage | None = None
        self._staged: object = None
        self._format: Format | None = None
        self._inner = Rect(0, 0, 0, 0)
        self._euro, self._hold = OneEuro(_CUTOFF_HZ, _PER_SPEED), Hold()
        self._behind: frozenset[str] = frozenset()
        self._count, self._last_pts = 0, 0

    @property
    def length_s(self) -> float | None:
        """How long the clip plays, seconds, where that is known."""
        motion = self._motion
        return None if motion is None else motion.length_s

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``. Raises MissingDependency without a pose network."""
        self.close()
        check_file(self._clip, DRIVE)
        still = read_still(self._still, 1920 if want is None else max(want.width, want.height))
        if self._network is None:
            self._network = load_pose()
        self._motion = motion = self._open_motion(self._network)
        width, height = still.size
        if want is None:
            if self.settings.size != "auto":
                width, height = self.settings.size
            colour = Colour(Matrix.BT709 if height > 576 else Matrix.BT601)
            want = Format(width, height, motion.fps, colour)
        self._inner = _fitted(still.rgb.shape[1], still.rgb.shape[0], want)
        staged = (want, identity(self._still))
        if self._stage is None or staged != self._staged:
            size = (self._inner.width, self._inner.height)
            self._stage = set_stage(still, size, want.colour, self._over, self._network)
            self._staged = staged
            log.info(
                "a puppet is ready", still=str(self._still), drive=str(self._clip),
                moves=["body", "head", *self._stage.figure.limbs], known=self._known is not None,
            )  # fmt: skip
        self._format, self._count, self._last_pts = want, 0, 0
        self._behind = frozenset()
        self._euro.reset()
        self._hold.reset()
        return want

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        if self._motion is None or self._format is None or self._stage is None:
            raise SourceError("puppet://: it is not open")
        try:
            step = self._motion.read(timeout)
        except MattingError as error:
            raise SourceError(f"{DRIVE} {str(self._clip)!r}: {error}") from error
        if step is None:
            return None
        if step.restart and self._count > 0:
            self._go_on_without_the_clip()
        gesture = self._gesture(step, self._stage)
        drawn = self._stage.draw(gesture, self._behind)
        if self._inner != self._format.rect:
            drawn = _framed(drawn, self._inner, self._format)
        frame = replace(
            drawn,
            pts=step.pts, duration=step.duration, captured=time.monotonic_ns(),
            serial=self._count, discontinuity=step.restart or self._count == 0,
        )  # fmt: skip
        self._count += 1
        return frame

    def close(self) -> None:
        """See ``Source.close``."""
        motion, self._motion, self._format = self._motion, None, None
        if motion is not None:
            motion.close()

    def _open_motion(self, network: PoseNetwork) -> DrivingMotion:
        parts = (network.manifest.name, network.identity)
        name = cache_name(self._clip, parts)
        if self._known is None or self._known[0] != name:
            track = load(name)
            self._known = None if track is None else (name, track)
        if self._known is not None:
            return Replayed(self.settings, self._clip, self._known[1])

        def known(track: Track) -> None:
            self._known = (name, track)
            save(name, track)

        return Played(self.settings, self._clip, PoseTracker(network), known)

    def _go_on_without_the_clip(self) -> None:
        """At the start of another round, whose first picture has just been read."""
        played = self._motion
        if self._known is not None and isinstance(played, Played):
            self._motion = Replayed(self.settings, self._clip, self._known[1], first=1)
            played.close()

    def _gesture(self, step: DrivingStep, stage: PuppetStage) -> Gesture:
        assert self._motion is not None
        rate = self._motion.fps[0] / self._motion.fps[1]
        seconds = (step.pts - self._last_pts) / 1e9
        # Across a loop, or a hole in the clip's times, as from one picture to the next.
        if step.restart or not 0 < seconds < 1:
            seconds = 1 / rate
        self._last_pts = step.pts
        usual = self._motion.usual
        if step.restart:
            self._euro.reset()
            self._hold.cut()
        if step.pose is None or usual is None:
            return self._hold({}, seconds)
        pose = step.pose.copy()
        by = np.float32(1000 / max(self._motion.size))
        pose[:, :3] = self._euro(pose[:, :3] * by, seconds) / by
        self._behind = hidden_limbs(stage.figure, pose, self._behind)
        return self._hold(read_gesture(stage.figure, pose, usual), seconds)


def _fitted(width: int, height: int, format: Format) -> Rect:
    """Where a picture goes on a canvas: all of it, in the middle; even size, even offset."""
    by = min(format.width / width, format.height / height)
    columns = min(format.width, max(2, round(width * by / 2) * 2))
    rows = min(format.height, max(2, round(height * by / 2) * 2))
    x, y = (format.width - columns) // 4 * 2, (format.height - rows) // 4 * 2
    return Rect(x, y, columns, rows)


def _framed(drawn: Frame, inner: Rect, format: Format) -> Frame:
    """The drawing with black bars around it."""
    out = blank(format.width, format.height, format.colour)
    out.y[inner.y : inner.bottom, inner.x : inner.right] = drawn.y
    out.uv[inner.y // 2 : inner.bottom // 2, inner.x // 2 : inner.right // 2] = drawn.uv
    return out
