"""The person out of each picture: their own colours and alpha, by the pipeline that goes on air."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from appliance.background.make import make_background
from appliance.config.settings import Settings
from appliance.errors import InputError, MattingError
from appliance.media.frame import U8, Format, Frame, blank
from appliance.networks.choose import choose_network
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.make import make_pipeline
from appliance.pixels.cpu.wall import NoWall, WallLearner

AUTO, OFF = "auto", "off"
_WARM_UP = 12
"""How often the first picture is keyed before it counts: until the region of interest is around the
person and alpha has settled. Else a loop would be seen to begin."""
_EDGE, _AROUND = 0.02, 0.7
"""A wall is keyed that fills so much of what is around the person."""
_FAINT = 4
"""Alpha below this is nobody's: it would only make the stored part larger."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """One picture, keyed; valid until the next one is.

    Attributes:
        y, uv: the person's own colours, as planes of the whole canvas; where ``alpha`` is 0, black.
        alpha: uint8 (height, width).
        trusted: False where the network gave no matte that can be right: alpha is the last one.
    """

    y: U8
    uv: U8
    alpha: U8
    trusted: bool = True


def keying_settings(model: str, chroma: str) -> Settings:
    """What a clip is keyed with: everything for the edge, nothing that changes the person.

    ``chroma``: the wall's colour, ``auto`` for a green or blue one, or ``off`` for no wall.
    """
    asked: dict[str, Any] = {
        "matting": {"model": model},
        "background": {"uri": "colour:#000000"},
        "stages": {"keyer": {"enabled": chroma != OFF}},
        # Colours with the room's light taken out, not yet weighed by alpha: they will stand before
        # anything.
        "outputs": [{"uri": "null://", "what": "fill-straight"}],
    }
    if chroma not in (AUTO, OFF):
        asked["stages"]["keyer"]["colour"] = chroma
    return Settings.model_validate(asked)


class ClipKeyer:
    """Keys clips of one format, one after the other. As made by ``clip_keyer``."""

    def __init__(self, settings: Settings, format: Format, pipeline: FramePipeline) -> None:
        self._settings, self._pipeline = settings, pipeline
        self._composite = blank(format.width, format.height, format.colour)
        fill = blank(format.width, format.height, format.colour)
        self._fill = fill
        (self._companion,) = settings.companions
        self._alpha = np.zeros((format.height, format.width), np.uint8)
        self._step = 1_000_000_000 * format.fps[1] // format.fps[0]
        self._pts, self._fresh = 0, True
        self._faint = np.arange(256, dtype=np.uint8)
        self._faint[:_FAINT] = 0
        self.walled = False
        """Whether the wall behind the person is keyed by its colour."""

    @property
    def description(self) -> str:
        """What runs the network, in words."""
        return self._pipeline.description

    def begin(self) -> None:
        """The next picture begins another clip."""
        self._fresh = True
        self._alpha[:] = 0

    def __call__(self, frame: Frame) -> Keyed:
        """Key one picture. Raises GpuError when CUDA fails."""
        if self._fresh:
            self._warm_up(frame)
        trusted = self._process(frame)
        return Keyed(self._fill.y, self._fill.uv, self._faint[self._alpha], trusted)

    def _warm_up(self, frame: Frame) -> None:
        """Key the first picture until alpha has settled, and see whether there is a wall."""
        self._fresh = False
        asked = self._settings
        chroma = asked.stages.keyer.colour if asked.keys else OFF
        self._use(asked if chroma not in (AUTO, OFF) else self._plain)
        self._process(frame, cut=True)
        for _ in range(_WARM_UP):
            self._process(frame)
        self.walled = chroma not in (AUTO, OFF)
        if self.walled and "key" in self._pipeline.resting:
            raise InputError(
                f"--chroma {chroma}: {self._pipeline.resting['key']}. Give the wall's own colour, "
                "or auto, or off"
            )
        if chroma == AUTO and wall_behind(frame, self._alpha):
            self.walled = True
            self._use(asked)
            for _ in range(_WARM_UP):
                self._process(frame)

    def _use(self, settings: Settings) -> None:
        self._pipeline.configure(settings)
        self._pipeline.reset()

    @property
    def _plain(self) -> Settings:
        """Without the keyer: left on without a wall, it would be tried again now and then."""
        stages = self._settings.stages
        off = stages.model_copy(
            update={"keyer": stages.keyer.model_copy(update={"enabled": False})}
        )
        return self._settings.model_copy(update={"stages": off})

    def _process(self, frame: Frame, *, cut: bool = False) -> bool:
        self._pts += self._step
        timed = replace(frame, pts=self._pts, duration=self._step, discontinuity=cut)
        before = self._alpha.copy()
        try:
            self._pipeline.process(
                timed, self._composite, self._alpha, companions={self._companion: self._fill}
            )
        except MattingError:
            self._alpha[:] = before
            np.copyto(self._fill.y, frame.y)
            np.copyto(self._fill.uv, frame.uv)
            return False
        return True


def wall_behind(frame: Frame, alpha: U8) -> bool:
    """Whether a person stands before a green or blue wall: whether that is all around them.

    A blue board beside them is none. ``alpha``: uint8 (height, width), theirs.
    """
    person = np.asarray(alpha, np.float32) / np.float32(255)
    try:
        wall = WallLearner()(frame, person, frame.rect)
    except NoWall:
        return False
    rows, columns = wall.ever.shape
    small = cv2.resize(person, (columns, rows), interpolation=cv2.INTER_AREA)
    there = np.asarray(small > _EDGE, np.uint8)
    near, far = (cv2.dilate(there, np.ones((side, side), np.uint8)) for side in (3, 9))
    around = (far > near) if there.any() else np.ones_like(there, bool)
    return bool(around.any()) and float(wall.ever[around].mean()) >= _AROUND


@contextmanager
def clip_keyer(model: str, chroma: str, format: Format) -> Iterator[ClipKeyer]:
    """A keyer for clips of one format.

    Raises ModelError when the network cannot be used, GpuError when CUDA fails.
    """
    settings = keying_settings(model, chroma)
    network = choose_network(settings.matting)
    with (
        closing(make_background(settings.background, format)) as background,
        closing(make_pipeline(settings, format, network, background)) as pipeline,
    ):
        yield ClipKeyer(settings, format, pipeline)
