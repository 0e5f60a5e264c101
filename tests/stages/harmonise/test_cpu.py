"""The step on the CPU path: what it changes of a composite, and when it leaves it alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.media.frame import Format, Frame, blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.cpu import Pipeline
from appliance.stages.harmonise.cpu import HarmoniseSteps
from tests.scenes import FULL, disc, flat

S = 1_000_000_000
CENTRE = np.s_[84:96, 154:166]
TINT_ONLY: dict[str, Any] = {"enabled": True, "light_wrap": 0.0}
WRAP_ONLY: dict[str, Any] = {"enabled": True, "strength": 0.0, "light_wrap": 1.0}


class Scene:
    """A background of one colour that may change from frame to frame."""

    wants_frame = False

    def __init__(self, luma: int, chroma: tuple[int, int] = (128, 128)) -> None:
        self.picture = flat(320, 180, luma)
        self.picture.uv[:] = chroma

    def frame(self, live: Frame) -> Frame:
        return self.picture


def pipeline(network: Path, background: Any, **harmonise: Any) -> Pipeline:
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    return Pipeline(settings(**harmonise), Format(320, 180, (30, 1), FULL), matting, background)


def settings(**harmonise: Any) -> Settings:
    return Settings.model_validate({"roi": {"enabled": False}, "stages": {"harmonise": harmonise}})


def shown(pipeline: Pipeline, pts: int = 0, frame: Frame | None = None) -> Frame:
    out = blank(320, 180, FULL)
    pipeline.process(replace(frame or disc(radius=60), pts=pts), out)
    assert pipeline.resting == {}
    return out


def same(one: Frame, other: Frame) -> bool:
    return bool((one.y == other.y).all() and (one.uv == other.uv).all())


def test_a_dark_scene_dims_the_person_and_a_warm_one_warms_them(network: Path) -> None:
    plain = shown(pipeline(network, Scene(30)))
    dark = shown(pipeline(network, Scene(30), **TINT_ONLY))
    assert plain.y[CENTRE].mean() - dark.y[CENTRE].mean() > 20
    warm = shown(pipeline(network, Scene(120, (90, 160)), **TINT_ONLY))
    cb, cr = warm.uv[42:48, 77:83].reshape(-1, 2).mean(axis=0)
    assert cb < 124
    assert cr > 131
    assert (dark.y[0] == plain.y[0]).all(), "what is behind is left alone"


def test_the_wrap_is_of_the_new_scene_and_only_near_the_edge(network: Path) -> None:
    plain = shown(pipeline(network, Scene(120)))
    wrapped = shown(pipeline(network, Scene(120), **WRAP_ONLY))
    assert (plain.y[CENTRE] == wrapped.y[CENTRE]).all()
    # The disc's left edge is at 100: between the person's 230 and the scene's 120, a little inside.
    changed = plain.y[90].astype(int) - wrapped.y[90]
    assert changed[101:104].max() > 15
    assert changed.min() >= -1


@pytest.mark.parametrize("harmonise", [TINT_ONLY, WRAP_ONLY])
def test_in_their_own_room_people_are_left_as_they_are(
    network: Path, harmonise: dict[str, Any]
) -> None:
    scene = Scene(30)
    scene.wants_frame = True
    plain, on = pipeline(network, scene), pipeline(network, scene, **harmonise)
    for k in range(7):
        one, other = shown(plain, k * S // 30), shown(on, k * S // 30)
        assert np.abs(one.y.astype(int) - other.y).max() <= 1
        assert np.abs(one.uv.astype(int) - other.uv).max() <= 1


def test_a_still_scene_does_not_flicker(network: Path) -> None:
    on = pipeline(network, Scene(30), enabled=True)
    first = None
    for k in range(24):
        made = shown(on, k * S // 30)
        if k == 8:
            first = made
        if first is not None:
            assert same(made, first)


def test_another_background_changes_them_smoothly_but_soon(network: Path) -> None:
    on = pipeline(network, Scene(30), **TINT_ONLY)
    lumas = [float(shown(on, k * S // 30).y[CENTRE].mean()) for k in range(10)]
    assert len(set(lumas)) == 1
    on.use_background(Scene(230))
    for k in range(10, 90):
        lumas.append(float(shown(on, k * S // 30).y[CENTRE].mean()))
    steps = np.diff(lumas)
    assert lumas[-1] - lumas[0] > 20
    assert steps.max() < 8, "no jump"
    assert steps.min() >= 0
    assert lumas[70] >= lumas[-1] - 1, "there after two seconds"
    assert len(set(lumas[-5:])) == 1, "and at rest"


def test_a_cut_starts_over(network: Path) -> None:
    on = pipeline(network, Scene(30), **TINT_ONLY)
    for k in range(6):
        shown(on, k * S // 30)
    on.use_background(Scene(230))
    cut = replace(disc(radius=60, serial=7), discontinuity=True)
    at_once = shown(on, 7 * S // 30, cut)
    fresh = shown(pipeline(network, Scene(230), **TINT_ONLY))
    assert same(at_once, fresh)


def test_too_little_of_a_person_is_not_measured(network: Path) -> None:
    on = pipeline(network, Scene(30), **TINT_ONLY)
    tiny = disc(radius=6)
    plain = pipeline(network, Scene(30))
    for k in range(6):
        small, same_small = shown(on, k * S // 30, tiny), shown(plain, k * S // 30, tiny)
        assert np.abs(small.y.astype(int) - same_small.y).max() <= 1
    before = shown(on, S)
    tiny_again = [shown(on, S + k * S // 30, tiny) for k in range(1, 8)]
    assert len(tiny_again) == 7
    assert same(shown(on, 2 * S), before), "the map is kept meanwhile"


def test_settings_are_live_and_two_hundred_switches_leave_nothing(network: Path) -> None:
    on = pipeline(network, Scene(30), **TINT_ONLY)
    lit = shown(on, 0)
    on.configure(settings(enabled=True, strength=1.0, light_wrap=0.0))
    assert shown(on, S).y[CENTRE].mean() < lit.y[CENTRE].mean() - 5
    for k in range(200):
        on.configure(settings(enabled=k % 2 == 1, light_wrap=0.0))
        shown(on, 2 * S + k)
    assert on._cascade.part(HarmoniseSteps)._light is None
    assert same(shown(on, 3 * S), lit)
    on.configure(settings())
    assert same(shown(on, 4 * S), shown(pipeline(network, Scene(30))))


@pytest.mark.parametrize("size", [(64, 36), (182, 322), (36, 64)])
def test_small_and_upright_canvases(network: Path, size: tuple[int, int]) -> None:
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    background = Scene(30)
    background.picture = flat(*size, 30)
    format = Format(*size, (30, 1), FULL)
    on = Pipeline(settings(enabled=True, contact_shadow=0.5), format, matting, background)
    out = blank(*size, FULL)
    for k in range(6):
        on.process(replace(disc(*size, size[0] / 2, size[1] / 2, 14), pts=k * S // 30), out)
    assert on.resting == {}


@pytest.mark.parametrize("harmonise", [TINT_ONLY, WRAP_ONLY])
def test_in_one_pass_and_by_way_of_a_layer(network: Path, harmonise: dict[str, Any]) -> None:
    one = pipeline(network, Scene(60, (100, 150)), **harmonise)
    other = pipeline(network, Scene(60, (100, 150)))
    other.configure(
        Settings.model_validate(
            {
                "roi": {"enabled": False},
                "stages": {"harmonise": harmonise, "mattes": {"enabled": True}},
            }
        )
    )
    for k in range(7):
        got, want = shown(one, k * S // 30), shown(other, k * S // 30)
        # The light round the edge is shaped by the network's own matte, or by the refined one.
        limit = 1 if harmonise is TINT_ONLY else 20  # a tenth of what lies between them
        assert np.abs(got.y.astype(int) - want.y).max() <= limit
        assert np.abs(got.uv.astype(int) - want.uv).max() <= limit
