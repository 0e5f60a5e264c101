"""A look on the person, on what is behind, on all: CPU and GPU alike, and the rest as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from appliance.config.settings import Companion, Settings
from appliance.media.frame import Colour, blank
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.cpu import Pipeline
from appliance.pixels.cpu import ColourCube, LookTable, bake_look
from appliance.stages.looks import make as make_module
from appliance.stages.looks.make import Style, make_style
from tests.kernels.gpus import emulated
from tests.networks.painter import painting_network
from tests.pipeline.conftest import FORMAT, Maker
from tests.scenes import FULL, PERSON, STAGE, Stage, disc

_BAKED: dict[object, LookTable] = {}

Side = Callable[..., FramePipeline]


def looks_of(on: str, look: Path | str, **more: Any) -> dict[str, Any]:
    return {"style": {"enabled": True, "on": on, "look": str(look), **more}}


@pytest.fixture(autouse=True)
def _each_table_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Baking takes a second; these tests use few looks."""

    def bake(look: ColourCube, colour: Colour, strength: float) -> LookTable:
        assert look.cube is not None
        key = (look.cube.tobytes(), colour, strength)
        if key not in _BAKED:
            _BAKED[key] = bake_look(look, colour, strength)
        return _BAKED[key]

    monkeypatch.setattr(make_module, "bake_look", bake)


@pytest.fixture
def inverted(tmp_path: Path) -> Path:
    """Black for white: luma of full range is 255 less what it was."""
    rows = [f"{1 - r} {1 - g} {1 - b}" for b in (0, 1) for g in (0, 1) for r in (0, 1)]
    path = tmp_path / "inverted.cube"
    path.write_text("\n".join(["LUT_3D_SIZE 2", *rows]))
    return path


def on_cpu(network: Path, stages: dict[str, Any], **others: Any) -> Pipeline:
    matting = OnnxRuntimeMatting(*load_manifest(network), threads=1)
    settings = Settings.model_validate({"stages": stages, **others})
    return Pipeline(settings, FORMAT, matting, Stage(FORMAT.width, FORMAT.height))


@pytest.fixture(params=["cpu", "gpu"])
def pipeline(request: pytest.FixtureRequest, make: Maker, network: Path) -> Side:
    def made(stages: dict[str, Any], **others: Any) -> FramePipeline:
        if request.param == "gpu":
            return make(emulated(network), stages=stages, **others)
        return on_cpu(network, stages, **others)

    return made


def shown(pipeline: FramePipeline, serials: range = range(6)) -> tuple[int, int]:
    """Luma of the person's middle and of the background's corner."""
    out = blank(FORMAT.width, FORMAT.height, FULL)
    for serial in serials:
        pipeline.process(disc(FORMAT.width, FORMAT.height, 80, 45, 16, serial=serial), out)
    return int(out.y[45, 80]), int(out.y[5, 5])


@pytest.mark.parametrize(
    ("on", "person", "corner"),
    [
        ("person", 255 - PERSON, STAGE),
        ("background", PERSON, 255 - STAGE),
        ("all", 255 - PERSON, 255 - STAGE),
    ],
)
def test_what_gets_the_look(
    pipeline: Side, inverted: Path, on: str, person: int, corner: int
) -> None:
    made = pipeline(looks_of(on, inverted))
    for _ in range(2):
        got = shown(made)
        assert abs(got[0] - person) <= 1
        assert abs(got[1] - corner) <= 1
    assert made.resting == {}


def test_it_goes_on_and_off_and_over_to_another(pipeline: Side, inverted: Path) -> None:
    made = pipeline({})
    assert shown(made) == (PERSON, STAGE)
    for on, strength, want in (("all", 1.0, 255 - STAGE), ("background", 0.5, 127)):
        settings = Settings.model_validate({"stages": looks_of(on, inverted, strength=strength)})
        made.configure(settings)
        made.use_style(make_style(settings.stages.style, FULL))
        assert abs(shown(made)[1] - want) <= 1, on
    made.configure(Settings())
    made.use_style(None)
    assert shown(made) == (PERSON, STAGE)


def test_a_look_that_cannot_be_read_rests_with_its_reason(pipeline: Side, inverted: Path) -> None:
    made = pipeline(looks_of("all", inverted))
    inverted.write_text("LUT_3D_SIZE 2\n0,5 0 0\n")
    assert shown(made) == (PERSON, STAGE)
    assert "line 2: found '0,5 0 0'" in made.resting["style-all"]


def test_the_backgrounds_own_picture_is_left_alone(pipeline: Side, inverted: Path) -> None:
    made = pipeline(looks_of("background", inverted))
    stage = Stage(FORMAT.width, FORMAT.height)
    made.use_background(stage)
    assert abs(shown(made)[1] - (255 - STAGE)) <= 1
    assert (stage.picture.y == STAGE).all()
    lighter = Stage(FORMAT.width, FORMAT.height)
    lighter.picture.y[:] = 200
    made.use_background(lighter)
    assert abs(shown(made)[1] - 55) <= 1


def test_an_identity_is_to_the_byte(pipeline: Side, tmp_path: Path) -> None:
    rows = [f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1)]
    path = tmp_path / "identity.cube"
    path.write_text("\n".join(["LUT_3D_SIZE 2", *rows]))
    plain, styled = pipeline({}), pipeline(looks_of("all", path))
    outs = [blank(FORMAT.width, FORMAT.height, FULL) for _ in range(2)]
    for serial in range(4):
        for one, out in zip((plain, styled), outs, strict=True):
            one.process(disc(FORMAT.width, FORMAT.height, 80, 45, 16, serial=serial), out)
        assert np.array_equal(outs[0].y, outs[1].y)
        assert np.array_equal(outs[0].uv, outs[1].uv)


@pytest.mark.parametrize(
    ("on", "person", "corner"),
    [
        ("person", 255 - PERSON, STAGE),
        ("background", PERSON, 255 - STAGE),
        ("all", 255 - PERSON, 255 - STAGE),
    ],
)
def test_a_network_paints(network: Path, tmp_path: Path, on: str, person: int, corner: int) -> None:
    painter = painting_network(tmp_path / "painter")
    stages = looks_of(on, "none", model=str(painter), every=3)
    made = on_cpu(network, stages)
    for _ in range(2):
        got = shown(made)
        assert abs(got[0] - person) <= 4
        assert abs(got[1] - corner) <= 2
    assert made.resting == {}
    settings = Settings.model_validate({"stages": stages})
    stage = Stage(FORMAT.width, FORMAT.height)
    made.use_background(stage)
    made.use_style(make_style(settings.stages.style, FULL, stage.picture))
    assert abs(shown(made)[1] - corner) <= 2


def test_on_the_gpu_a_network_paints_a_still_background(
    make: Maker, network: Path, tmp_path: Path
) -> None:
    painter = painting_network(tmp_path / "painter")
    stage = Stage(FORMAT.width, FORMAT.height)
    for on, want in (("background", 255 - STAGE), ("person", STAGE)):
        stages = looks_of(on, "none", model=str(painter))
        made = make(emulated(network), stage, stages=stages)
        settings = Settings.model_validate({"stages": stages})
        made.use_style(make_style(settings.stages.style, FULL, stage.picture))
        got = shown(made)
        assert abs(got[0] - PERSON) <= 1
        assert abs(got[1] - want) <= 1
    assert "paints a background that is a still picture" in made.resting["style-person"]


def test_a_painter_that_fails_rests_and_the_frame_goes_on(network: Path, tmp_path: Path) -> None:
    painter = painting_network(tmp_path / "painter", divide=True)
    made = on_cpu(network, looks_of("all", "none", model=str(painter)))
    assert shown(made) == (PERSON, STAGE)
    assert "infinities" in made.resting["style-all"]


def test_the_look_of_a_picture(
    pipeline: Side, network: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "reference.png"
    Image.new("RGB", (64, 36), (77, 77, 77)).save(path)
    made = pipeline(looks_of("background", path))
    stage = Stage(FORMAT.width, FORMAT.height)
    made.use_background(stage)
    made.use_style(make_style(made.settings.stages.style, FULL, stage.picture))
    assert shown(made) == (PERSON, 77)
    live = pipeline(looks_of("person", path))
    on_gpu = "gpu" in request.node.name
    person, corner = shown(live)
    assert corner == STAGE
    # A person is moved by 24 codes at most, and the network's disc is of one colour.
    assert abs(person - (PERSON if on_gpu else PERSON - 24)) <= 4
    assert bool(live.resting) == on_gpu


def test_a_grade_is_measured_at_the_beginning_and_then_kept(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "reference.png"
    Image.new("RGB", (64, 36), (77, 77, 77)).save(path)
    baked: list[object] = []
    real = Style.grade
    monkeypatch.setattr(Style, "grade", lambda *args: baked.append(args) or real(*args))
    made = on_cpu(network, looks_of("all", path))
    shown(made, range(80))
    assert len(baked) == 2, "at the first frame, and once from the first thirty"
    made.reset()
    first = shown(made, range(80, 82))
    assert len(baked) == 3, "anew after a cut"
    assert abs(first[1] - 77) < 60


def test_a_look_on_all_is_on_a_fill_too(pipeline: Side, inverted: Path) -> None:
    """And not on its key: that says where somebody is."""
    outputs = [{"uri": f"null://{what}", "what": what} for what in ("key", "fill")]
    made = pipeline(looks_of("all", inverted), outputs=outputs)
    key, fill = (Companion(what) for what in ("key", "fill"))
    for serial in range(6):
        out = blank(FORMAT.width, FORMAT.height, FULL)
        beside = {kind: blank(FORMAT.width, FORMAT.height, FULL) for kind in (key, fill)}
        frame = disc(FORMAT.width, FORMAT.height, 80, 45, 16, serial=serial)
        made.process(frame, out, None, None, beside)
        assert abs(int(beside[fill].y[45, 80]) - int(out.y[45, 80])) <= 1
    assert abs(int(out.y[45, 80]) - (255 - PERSON)) <= 3
    assert int(beside[key].y[45, 80]) == 255
    assert int(beside[key].y[5, 5]) == int(beside[fill].y[5, 5]) == 0


def test_a_look_on_all_is_on_frames_made_between(pipeline: Side, inverted: Path) -> None:
    """Or they would flicker."""
    made = pipeline({**looks_of("all", inverted), "interpolate": {"enabled": True}})
    for serial in range(6):
        out, also = (blank(FORMAT.width, FORMAT.height, FULL) for _ in range(2))
        frame = disc(FORMAT.width, FORMAT.height, 80, 45, 16, serial=serial)
        outcome = made.process(frame, out, None, also)
        assert (outcome.made_at is None) == (serial == 0)
        if outcome.made_at is not None:
            assert abs(int(also.y[5, 5]) - int(out.y[5, 5])) <= 1
            assert abs(int(also.y[45, 80]) - int(out.y[45, 80])) <= 3
