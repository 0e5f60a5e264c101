"""What each step of the path is worth on real frames: measured with the step on and off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import F32, U8, Format, Frame, blank
from appliance.networks.base import Matting
from appliance.networks.choose import load_matting
from appliance.networks.manifest import Manifest
from appliance.pipeline.cpu import Pipeline
from appliance.pixels import cpu
from appliance.tools.bench.clip import frames_in_memory
from tests.scenes import STAGE, flat

WHOLE = {"roi": {"enabled": False}}


class Still:
    """A background of one luma, in the frames' colour format."""

    wants_frame = False

    def __init__(self, like: Frame) -> None:
        self._picture = replace(flat(like.width, like.height, STAGE), colour=like.colour)

    def frame(self, live: Frame) -> Frame:
        """Always the same."""
        return self._picture


def mattes(frames: list[Frame], matting: Matting | None = None, **settings: object) -> U8:
    """The mattes as used in the composites, uint8 (frames, height, width)."""
    chosen = Settings.model_validate(settings)
    first = frames[0]
    pipeline = Pipeline(
        chosen,
        Format(first.width, first.height, (30, 1), first.colour),
        matting or load_matting(chosen.matting),
        Still(first),
    )
    out = blank(first.width, first.height, first.colour)
    result = np.zeros((len(frames), first.height, first.width), np.uint8)
    for frame, matte in zip(frames, result, strict=True):
        pipeline.process(frame, out, matte)
    return result


class Haunted:
    """A network that sees blobs where nobody is, in new places in each frame."""

    def __init__(self, matting: Matting, ghosts: int) -> None:
        self._matting, self._ghosts = matting, ghosts
        self._rng = np.random.default_rng(0)
        self.manifest: Manifest = matting.manifest
        self.description = "haunted"
        self.smaller: Matting | None = None
        self.upright: Matting | None = None
        self.added: list[F32] = []

    @property
    def input(self) -> F32:
        """The real network's."""
        return self._matting.input

    def infer(self, *, remember: bool = True) -> F32:
        """The real network's matte, plus some blobs away from the person."""
        alpha = self._matting.infer(remember=remember).copy()
        ghosts = np.zeros_like(alpha)
        rows, columns = alpha.shape
        for _ in range(self._ghosts):
            x, y = self._rng.integers(4, columns - 4), self._rng.integers(4, rows - 4)
            cv2.circle(ghosts, (int(x), int(y)), int(self._rng.integers(1, 4)), 0.9, -1)
        ghosts[cv2.dilate(alpha, np.ones((15, 15), np.uint8)) > 0.1] = 0
        self.added.append(ghosts)
        return np.maximum(alpha, ghosts)

    def reset(self) -> None:
        """The real network's."""
        self._matting.reset()


@pytest.fixture(scope="module")
def signing(shared: Path) -> list[Frame]:
    """A person signing in front of a fixed webcam: fast hands, still shoulders."""
    # Shorter than the clip's 73 frames: its loop is a cut, at which nothing can be steady.
    return frames_in_memory(shared / "media/asl/please.mkv", None, 70)


def test_cleaning_removes_floating_blobs(signing: list[Frame]) -> None:
    frames = signing[:25]
    settings = {**WHOLE, "steady": {"enabled": False}}
    plain = mattes(frames, **settings).astype(float) / 255
    spooked = {}
    for enabled in (False, True):
        matting = Haunted(load_matting(Settings().matting), 12)
        shown = mattes(frames, matting, **settings, clean={"enabled": enabled}).astype(float) / 255
        size = (frames[0].width, frames[0].height)
        where = np.stack([cv2.resize(g, size) > 0.5 for g in matting.added])
        assert where.sum() > 1000
        spooked[enabled] = float(shown[where].mean())
        if enabled:
            person = plain > 0.9
            kept = float(shown[person].mean())
    print(f"alpha at blobs: {spooked[False]:.3f} without cleaning, {spooked[True]:.4f} with it")
    assert spooked[False] > 0.4
    assert spooked[True] < 0.01
    assert kept > 0.98


def test_steadying_stops_still_edges_from_shimmering(signing: list[Frame]) -> None:
    """Flicker: RMS of the matte's second temporal difference, where alpha is soft and luma still.

    Still: changes by less than the noise threshold in 95 % of the frames. Moving: changes by more
    than the motion threshold. Smear: what steadying alters at moving pixels.
    """
    steady = Settings().steady
    off = mattes(signing, **WHOLE, steady={"enabled": False}).astype(np.float32)
    on = mattes(signing, **WHOLE).astype(np.float32)
    size = (256, 144)
    luma = np.stack([cv2.resize(f.y, size, interpolation=cv2.INTER_AREA) for f in signing]).astype(
        np.float32
    )
    change = np.stack([cv2.blur(d, (3, 3)) for d in np.abs(np.diff(luma, axis=0))])
    whole = (signing[0].width, signing[0].height)
    still = cv2.resize(np.percentile(change, 95, axis=0), whole) < steady.motion_low
    edge = still & (off.mean(axis=0) > 10) & (off.mean(axis=0) < 245)
    assert edge.sum() > 100

    def flicker(matte: F32) -> float:
        return float(np.sqrt((np.diff(matte[5:, edge], 2, axis=0) ** 2).mean()))

    moving = np.stack([cv2.resize(c, whole) for c in change]) > steady.motion_high
    moving &= np.abs(np.diff(off, axis=0)) > 128
    assert moving.sum() > 1000
    smear = float(np.abs(on[1:] - off[1:])[moving].mean()) / 255
    ratio = flicker(off) / flicker(on)
    print(f"flicker of still edges down {ratio:.1f}x; smear at moving ones {smear:.4f}")
    assert ratio >= 3
    assert smear < 0.02


def test_refining_brings_a_small_matte_nearer_the_truth(shared: Path) -> None:
    """The lemur's true alpha, at 144 rows and slightly soft, as if from a network."""
    folder = shared / "media/lemur"
    truth = cv2.imread(str(folder / "lemur_alpha.png"), cv2.IMREAD_GRAYSCALE) / np.float32(255)
    picture = cv2.imread(str(folder / "lemur.png"))
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV)[..., 0].astype(np.float32)
    height, width = truth.shape
    size = (round(width * 144 / height), 144)
    small = cv2.blur(cv2.resize(truth, size, interpolation=cv2.INTER_AREA), (3, 3))
    guide = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    refine = Settings().refine
    out = np.empty((2, *small.shape), np.float32)
    cpu.guided_coefficients(guide, small, refine.radius, refine.epsilon, out)
    a, b = (cv2.resize(plane, (width, height)) for plane in out)
    levels = refine.levels
    refined = np.clip((a * luma + b - levels) / (1 - 2 * levels), 0, 1)
    plain = cv2.resize(small, (width, height))
    before, after = (float(np.abs(m - truth).mean()) * 1e3 for m in (plain, refined))
    print(f"MAD x1000: {before:.2f} scaled up, {after:.2f} refined")
    assert after < 0.8 * before


def test_tracking_gives_a_small_person_more_pixels(shared: Path) -> None:
    """The same person at a third of the size: with the ROI the matte is nearer the close-up's."""
    frames = frames_in_memory(shared / "media/asl/please.mkv", None, 12)
    width, height = frames[0].width, frames[0].height
    small = []
    for frame in frames:
        # Into the lower middle of a room in the wall's grey, three times as wide and high.
        room = replace(flat(3 * width, 3 * height, int(np.median(frame.y))), colour=frame.colour)
        cpu.paste_nv12(room, frame, width, 2 * height, ramp=40)
        small.append(replace(room, captured=frame.captured))
    part = (slice(2 * height, 3 * height), slice(width, 2 * width))
    truth = mattes(frames, **WHOLE)[-1] > 127
    errors = {}
    for enabled in (True, False):
        matte = mattes(small, roi={"enabled": enabled})[-1][part] > 127
        errors[enabled] = float((matte != truth).mean())
    print(f"pixels that differ from the close-up's matte: {errors}")
    assert errors[True] < 0.7 * errors[False]
