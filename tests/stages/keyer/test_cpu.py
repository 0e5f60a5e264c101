"""The keyer on the CPU, alone and with a network, in a studio whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.errors import MattingError
from appliance.media.frame import F32, Frame, blank
from appliance.networks.base import Matting
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.cpu import Pipeline
from tests.studio import BLUE, LIMITED, Knowing, Studio

ALONE: dict[str, Any] = {"matting": {"model": "chroma"}}
FUSED: dict[str, Any] = {"stages": {"keyer": {"enabled": True}}, "roi": {"enabled": False}}
NETWORK: dict[str, Any] = {"roi": {"enabled": False}}


class Grey:
    """A background of one grey."""

    wants_frame = False

    def frame(self, live: Frame) -> Frame:
        """The same, always."""
        made = blank(live.width, live.height, LIMITED)
        made.y[:] = 120
        return made


@pytest.fixture(scope="module")
def chroma(root: Path) -> OnnxRuntimeMatting:
    return OnnxRuntimeMatting(*load_manifest(root / "engines/chroma/manifest.yaml"), threads=1)


def pipeline(studio: Studio, matting: Matting, settings: dict[str, Any]) -> Pipeline:
    return Pipeline(Settings.model_validate(settings), studio.format, matting, Grey())


def played(
    studio: Studio, matting: Matting, settings: dict[str, Any], frames: int = 4
) -> tuple[F32, Frame, Pipeline]:
    """The last frame's matte, 0..1, its composite, and the pipeline."""
    made = pipeline(studio, matting, settings)
    out = blank(studio.width, studio.height, LIMITED)
    matte = np.zeros((studio.height, studio.width), np.uint8)
    for k in range(frames):
        made.process(studio.frame(k), out, matte)
    return (matte / 255).astype(np.float32), out, made


def error(matte: F32, studio: Studio, k: int = 3) -> float:
    return float(np.abs(matte - studio.alpha(k)).mean() * 1e3)


def nobody(studio: Studio, k: int = 3) -> np.ndarray:
    """Where there is surely no person."""
    return np.asarray(cv2.dilate(studio.alpha(k), np.ones((9, 9), np.uint8)) == 0)


STUDIOS = {
    "plain": Studio(),
    "blue": Studio(wall=BLUE),
    "uneven": Studio(uneven=0.5),
    "noisy": Studio(noise=6),
    "shadow": Studio(shadow=0.4),
    "upright": Studio(width=270, height=480),
    "odd": Studio(width=182, height=134),
}


@pytest.mark.parametrize("name", STUDIOS)
def test_alone(chroma: OnnxRuntimeMatting, name: str) -> None:
    studio = STUDIOS[name]
    # In the upright picture the shoulders hide the wall's lower part.
    settings = ALONE | {"stages": {"keyer": {"within": "picture"}}} if name == "upright" else ALONE
    matte, out, _ = played(studio, chroma, settings)
    assert error(matte, studio) < (8 if name != "odd" else 14)
    assert not matte[nobody(studio)].any()
    # What the wall throws on the person, and what soft pixels have of it, is gone.
    wall = np.array(studio.frame(0, person=False).uv.reshape(-1, 2).mean(axis=0)) - 128
    edge = (matte[::2, ::2] > 0.1) & (matte[::2, ::2] < 0.9)
    along = (out.uv.astype(float) - 128) @ wall / np.hypot(*wall)
    assert along[edge].mean() < 0.1 * np.hypot(*wall)


@pytest.mark.parametrize("name", STUDIOS)
def test_with_a_network_it_is_better_than_that_alone(name: str) -> None:
    studio = STUDIOS[name]
    matting = Knowing(studio.alpha(3))
    network, _, _ = played(studio, matting, NETWORK)
    fused, _, made = played(studio, matting, FUSED)
    assert made.resting == {}
    assert error(fused, studio) < 0.7 * error(network, studio)


def test_what_is_no_wall_is_no_person(chroma: OnnxRuntimeMatting) -> None:
    """The room beside the wall, and what stands before it, is not let through."""
    studio = Studio(ceiling=True, stand=True)
    matte, _, _ = played(studio, Knowing(studio.alpha(3)), FUSED)
    assert not matte[nobody(studio)].any()
    # Alone, it cannot know the stand; the ceiling is outside of the wall.
    matte, _, _ = played(studio, chroma, ALONE)
    assert not matte[: studio.height // 6 - 1].any()


def test_green_clothes_are_kept_by_the_network() -> None:
    studio = Studio(shirt=(60, 165, 45))
    matte, _, _ = played(studio, Knowing(studio.alpha(3)), FUSED)
    inside = studio.alpha(3).copy()
    inside[:200] = 0
    assert matte[240:, 220:290].min() > 0.95, "deep within, the network fills"


def test_no_wall(chroma: OnnxRuntimeMatting) -> None:
    """Where there is no wall of one colour, the network works alone, and alone nothing is shown."""
    studio = Studio(wall=(120, 130, 135))
    matting = Knowing(studio.alpha(3))
    network, _, _ = played(studio, matting, NETWORK)
    fused, _, made = played(studio, matting, FUSED)
    assert "no wall to key out" in made.resting["key"]
    assert np.array_equal(network, fused)
    with pytest.raises(MattingError, match="cannot key: green or blue"):
        played(studio, chroma, ALONE)


def test_the_wall_as_asked(chroma: OnnxRuntimeMatting) -> None:
    red = Studio(wall=(40, 40, 190), shirt=(120, 60, 30))
    with pytest.raises(MattingError, match="no wall"):
        played(red, chroma, ALONE)
    matte, _, _ = played(red, chroma, ALONE | {"stages": {"keyer": {"colour": "#be2828"}}})
    assert error(matte, red) < 12
    with pytest.raises(MattingError, match="only 0 % of what is not a person"):
        played(red, chroma, ALONE | {"stages": {"keyer": {"colour": "#2828be"}}})
    with pytest.raises(MattingError, match="nearly grey"):
        played(red, chroma, ALONE | {"stages": {"keyer": {"colour": "#808080"}}})


def test_shadows_fall_on_the_new_background(chroma: OnnxRuntimeMatting) -> None:
    studio = Studio(shadow=0.4)
    dark = ALONE | {"stages": {"keyer": {"shadows": 1.0}}}
    _, plain, _ = played(studio, chroma, ALONE)
    _, shaded, _ = played(studio, chroma, dark)
    place = np.s_[studio.height // 2, studio.width // 5]
    assert abs(int(plain.y[place]) - 120) <= 1
    assert 66 <= shaded.y[place] <= 100
    assert abs(int(shaded.y[20, 400]) - 120) <= 4


def test_a_cut_forgets_the_wall(chroma: OnnxRuntimeMatting) -> None:
    made = pipeline(Studio(), chroma, ALONE)
    out, matte = blank(480, 270, LIMITED), np.zeros((270, 480), np.uint8)
    for k in range(3):
        made.process(Studio().frame(k), out, matte)
    blue = replace(Studio(wall=BLUE).frame(3), discontinuity=True)
    made.process(blue, out, matte)
    assert error((matte / 255).astype(np.float32), Studio(wall=BLUE)) < 8


def test_a_keyed_edge_is_shrunk_like_any_other(chroma: OnnxRuntimeMatting) -> None:
    studio = Studio()
    plain, _, _ = played(studio, chroma, ALONE)
    shrunk, _, made = played(studio, chroma, ALONE | {"edge": {"choke": 3.0}})
    assert made.resting == {}
    # Down the middle of a shoulder, the edge has moved by three pixels.
    row = np.s_[230, 40:240]
    assert 2 < plain[row].sum() - shrunk[row].sum() < 4.5
    assert shrunk[230, 260] == 1
