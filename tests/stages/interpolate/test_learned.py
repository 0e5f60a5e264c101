"""The person between two frames, as a network has them: where they are laid, and what serves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.config.settings.source import SourceSettings
from appliance.media.frame import F32, Colour, Rect, blank
from appliance.networks.between import BetweenNetwork
from appliance.networks.loading import Loading
from appliance.pipeline.cpu import Pipeline
from appliance.pixels import cpu
from appliance.stages.interpolate.learned import around, paint_between
from tests.networks.blender import blending_network
from tests.scenes import FULL
from tests.stages.interpolate.scene import Scene, psnr
from tests.stages.interpolate.test_cpu import HEIGHT, WIDTH, camera, make, middle_of, show


def weighed(layer: cpu.PersonLayer) -> cpu.Weighed:
    found = cpu.empty_weighed(layer.front.width, layer.front.height)
    cpu.weigh(layer, found)
    return found


def later(first: F32, second: F32, colour: Colour) -> F32:
    """What a network does that gives the later picture."""
    return second


@pytest.mark.parametrize("colour", [FULL, Colour()])
def test_what_is_painted_lies_where_it_was_cut_out(colour: Colour) -> None:
    scene = Scene(640, 360)
    first, second = scene.at(0), scene.at(1)
    one, two = weighed(first.layer), weighed(second.layer)
    size = around(one, two, 1.0)
    behind, out = (blank(640, 360, colour) for _ in range(2))
    behind.y[:] = scene.stage.y
    # A network of the crop's own size loses nothing of the luma.
    paint_between(one, two, later, (size.width, size.height), behind, out)
    wanted = blank(640, 360, colour)
    cpu.blend_layer(second.layer, behind, wanted)
    assert np.abs(out.y.astype(int) - wanted.y).max() <= 2
    assert psnr(out.uv, wanted.uv) > 40
    # A coarser one blurs the texture, and moves nothing.
    paint_between(one, two, later, (128, 96), behind, out)
    assert psnr(out.y, wanted.y) > psnr(out.y, first.over(behind).y) + 2
    corner = np.s_[:20, :20]
    assert (out.y[corner] == behind.y[corner]).all()


def test_nobody_is_not_painted() -> None:
    def never(first: F32, second: F32, colour: Colour) -> F32:
        raise AssertionError

    nobody = cpu.empty_weighed(64, 48)
    behind, out = blank(64, 48, FULL), blank(64, 48, FULL)
    behind.y[:] = 77
    paint_between(nobody, nobody, never, (32, 32), behind, out)
    assert (out.y == 77).all()


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (1920, 1080), (20, 4)])
def test_the_crop_holds_both_and_lies_in_the_picture(size: tuple[int, int]) -> None:
    width, height = size
    for at in (0, width - 4):
        one, two = cpu.empty_weighed(width, height), cpu.empty_weighed(width, height)
        one.spans[height // 2 - 1] = (at, at + 2)
        two.spans[0] = (at + 1, at + 4)
        for aspect in (0.5, 1.0, 2.0):
            rect = around(one, two, aspect)
            assert rect.x % 2 == rect.y % 2 == rect.width % 2 == rect.height % 2 == 0
            assert 0 <= rect.x <= at
            assert at + 4 <= rect.right <= width
            assert (rect.y, rect.bottom) == (0, height)
            assert around(two, cpu.empty_weighed(width, height), aspect).area > 0
    nobody = cpu.empty_weighed(width, height)
    assert around(nobody, nobody, 1.0) == Rect(0, 0, 0, 0)


class Kept(Loading[BetweenNetwork]):
    """Loads once somebody waits for it, and is remembered."""

    gate = threading.Event()
    made: ClassVar[list[Kept]] = []

    def __init__(self, load: Callable[[], BetweenNetwork], name: str) -> None:
        def later() -> BetweenNetwork:
            assert self.gate.wait(20)
            return load()

        super().__init__(later, name)
        self.made.append(self)

    def wait(self, seconds: float) -> None:
        self.gate.set()
        super().wait(seconds)


@pytest.fixture(autouse=True)
def loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are loaded when somebody waits for them."""
    monkeypatch.setattr("appliance.stages.interpolate.cpu.Loading", Kept)
    Kept.gate.clear()
    Kept.made.clear()


def behind(pipeline: Pipeline, number: int) -> float:
    """How far the made person is behind the present one, in pixels; they move 8 a frame."""
    out, also, made_at = show(pipeline, camera(number))
    assert made_at is not None
    return middle_of(out) - middle_of(also)


def test_the_network_serves_once_it_is_loaded(tmp_path: Path) -> None:
    """It gives the later picture, unlike the built-in way."""
    manifest = blending_network(tmp_path / "blender", later=1.0)
    pipeline = make(tmp_path, model=str(manifest))
    show(pipeline, camera(0))
    assert behind(pipeline, 1) == pytest.approx(4, abs=1.0)
    Kept.made[0].wait(20)
    assert behind(pipeline, 2) == pytest.approx(0, abs=1.0)
    # What comes, no network knows.
    pipeline.configure(with_stage(pipeline, mode="ahead"))
    assert behind(pipeline, 3) == pytest.approx(-4, abs=1.5)
    pipeline.configure(with_stage(pipeline, model="builtin"))
    assert behind(pipeline, 4) == pytest.approx(4, abs=1.0)
    assert len(Kept.made) == 1


def test_one_that_cannot_be_loaded_lets_the_stage_rest(tmp_path: Path) -> None:
    pipeline = make(tmp_path, model=str(tmp_path / "no.yaml"))
    show(pipeline, camera(0))
    Kept.made[0].wait(20)
    out, also = blank(WIDTH, HEIGHT, FULL), blank(WIDTH, HEIGHT, FULL)
    assert pipeline.process(camera(1), out, None, also).made_at is None
    assert "no.yaml" in pipeline.resting["interpolate"]
    assert middle_of(out) > 0, "the frame itself is there"


def test_a_file_that_is_converted_waits_for_it(tmp_path: Path) -> None:
    pipeline = make(tmp_path)
    settings = with_stage(pipeline, model=str(blending_network(tmp_path / "late", later=1.0)))
    pipeline.configure(settings.model_copy(update={"source": SourceSettings(pace="fast")}))
    show(pipeline, camera(0))
    assert behind(pipeline, 1) == pytest.approx(0, abs=1.0)


def with_stage(pipeline: Pipeline, **changed: object) -> Settings:
    """The pipeline's settings with others of this stage; what is not named has its default."""
    plain = pipeline.settings.model_dump(exclude_unset=True)
    before = plain["stages"]["interpolate"]
    model = before.get("model", "builtin")
    plain["stages"]["interpolate"] = {"enabled": True, "model": model, **changed}
    return Settings.model_validate(plain)
