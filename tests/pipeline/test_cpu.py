"""The path of one frame, with a network whose matte is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.errors import MattingError
from appliance.media.frame import F32, Format, Frame, Rect, blank
from appliance.networks.manifest import InputSpec, load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pipeline.cpu import Pipeline
from appliance.stages.letterbox import inner_rect
from tests.networks.bright import bright_network
from tests.scenes import FULL, PERSON, STAGE, Stage, disc, leaked


class Breakable(OnnxRuntimeMatting):
    """A network that can be made to fail."""

    broken: str | None = None

    def infer(self, *, remember: bool = True) -> F32:
        alpha = super().infer(remember=remember)
        if self.broken == "throws":
            raise MattingError("it broke")
        if self.broken is not None:
            alpha = np.full_like(alpha, {"nan": np.nan, "inf": np.inf, "ones": 1}[self.broken])
        return alpha


@pytest.fixture
def matting(tmp_path: Path) -> Breakable:
    """The bright network."""
    return Breakable(*load_manifest(bright_network(tmp_path)), threads=1)


def make(matting: Breakable, width: int = 320, height: int = 180, **settings: object) -> Pipeline:
    """A pipeline over the stage."""
    return Pipeline(
        Settings.model_validate(settings),
        Format(width, height, (30, 1), FULL),
        matting,
        Stage(width, height),
    )


def play(pipeline: Pipeline, frames: list[Frame]) -> list[np.ndarray]:
    """The composites' luma."""
    results = []
    for frame in frames:
        out = blank(frame.width, frame.height, FULL)
        pipeline.process(frame, out)
        results.append(out.y)
    return results


def test_person_over_background(matting: Breakable) -> None:
    pipeline = make(matting)
    for y in play(pipeline, [disc(serial=i) for i in range(5)]):
        assert abs(int(y[90, 160]) - PERSON) <= 1
        assert y[5, 5] == y[90, 300] == STAGE
        assert leaked(y) == 0


def test_follows_a_walking_person_with_an_roi(matting: Breakable) -> None:
    pipeline = make(matting)
    for i in range(60):
        x = 60 + 3 * i
        frame, out = disc(x=x, radius=25, serial=i), blank(320, 180, FULL)
        outcome = pipeline.process(frame, out)
        assert abs(int(out.y[90, x]) - PERSON) <= 1, i
        assert leaked(out.y) <= 4, i
        if i > 0:
            assert outcome.roi != frame.rect
            assert outcome.box is not None
            assert outcome.box.left == pytest.approx(x - 25, abs=6)
            assert outcome.box.right == pytest.approx(x + 26, abs=6)


def test_second_person_is_found_by_the_rescan(matting: Breakable) -> None:
    pipeline = make(matting)
    frames = [disc(x=60, radius=20, serial=i) for i in range(70)]
    for frame in frames[20:]:
        frame.y[80:100, 270:290] = PERSON
    composites = play(pipeline, frames)
    assert composites[19][90, 280] == STAGE
    assert abs(int(composites[69][90, 280]) - PERSON) <= 1
    assert abs(int(composites[69][90, 60]) - PERSON) <= 1


def test_what_the_network_remembers_is_of_the_same_part_of_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matting = Breakable(*load_manifest(bright_network(tmp_path, recurrent=True)), threads=1)
    known: list[bool] = []
    infer = Breakable.infer

    def spy(self: Breakable, *, remember: bool = True) -> F32:
        if remember:
            known.append(bool(self._state["before"].any()))
        return infer(self, remember=remember)

    monkeypatch.setattr(Breakable, "infer", spy)
    pipeline = make(matting)
    rois = []
    for i in range(40):
        frame = disc(x=100 + max(0, i - 20) * 8, radius=25, serial=i)
        rois.append(pipeline.process(frame, blank(320, 180, FULL)).roi)
    moved = [i == 0 or roi != rois[i - 1] for i, roi in enumerate(rois)]
    assert known == [not move for move in moved]
    assert 2 < sum(moved) < 35


def test_lost_and_found_again(matting: Breakable) -> None:
    pipeline = make(matting)
    walk = [disc(x=60, radius=20, serial=i) for i in range(10)]
    empty = [disc(x=-100, radius=20, serial=i) for i in range(10, 20)]
    again = [disc(x=250, radius=20, serial=i) for i in range(20, 25)]
    composites = play(pipeline, walk + empty + again)
    assert (composites[15] == STAGE).all()
    assert abs(int(composites[20][90, 250]) - PERSON) <= 1


@pytest.mark.parametrize("how", ["throws", "nan", "inf", "ones"])
def test_a_bad_matte_is_refused_and_recovered_from(matting: Breakable, how: str) -> None:
    pipeline = make(matting)
    play(pipeline, [disc(serial=i) for i in range(3)])
    matting.broken = how
    for i in range(3):
        with pytest.raises(MattingError):
            pipeline.process(disc(serial=3 + i), blank(320, 180, FULL))
    matting.broken = None
    (y,) = play(pipeline, [disc(x=250, serial=6)])
    assert abs(int(y[90, 250]) - PERSON) <= 1
    assert leaked(y) == 0


def test_a_bad_rescan_is_refused_too(matting: Breakable) -> None:
    """All ones in the whole frame only: then the ROI's own matte is not to be trusted either."""
    pipeline = make(matting)
    play(pipeline, [disc(x=60, radius=20, serial=i) for i in range(3)])
    matting.broken = "ones"
    with pytest.raises(MattingError, match="max_coverage"):
        pipeline.process(disc(x=60, radius=20, serial=90), blank(320, 180, FULL))


def test_a_cut_resets_what_is_carried_over_time(matting: Breakable) -> None:
    pipeline = make(matting)
    play(pipeline, [disc(x=60, radius=20, serial=i) for i in range(10)])
    cut = disc(x=250, radius=20, serial=10)
    cut = Frame(cut.y, cut.uv, FULL, cut.pts, cut.captured, 10, discontinuity=True)
    (y,) = play(pipeline, [cut])
    assert abs(int(y[90, 250]) - PERSON) <= 1


@pytest.mark.parametrize(
    "off",
    [
        {"roi": {"enabled": False}},
        {"clean": {"enabled": False}},
        {"steady": {"enabled": False}},
        {"refine": {"enabled": False, "decontaminate": False}},
        {"roi": {"ramp": 0}},
        {"edge": {"choke": 3, "softness": 5}},
        {section: {"enabled": False} for section in ("roi", "clean", "steady", "refine")},
    ],
    ids=lambda off: "+".join(off),
)
def test_every_step_can_be_switched_off(matting: Breakable, off: dict[str, object]) -> None:
    pipeline = make(matting, **off)
    for y in play(pipeline, [disc(serial=i) for i in range(5)]):
        assert abs(int(y[90, 160]) - PERSON) <= 1
        assert y[5, 5] == STAGE


@pytest.mark.parametrize(
    ("width", "height"), [(32, 32), (64, 36), (180, 320), (34, 400), (640, 34), (1080, 1920)]
)
def test_any_even_size(matting: Breakable, width: int, height: int) -> None:
    pipeline = make(matting, width, height)
    r = min(width, height) / 5
    frames = [disc(width, height, width / 2, height / 2, r, serial=i) for i in range(4)]
    for y in play(pipeline, frames):
        assert abs(int(y[height // 2, width // 2]) - PERSON) <= 2
        assert y[0, 0] == STAGE


def test_matte_out_is_the_matte(matting: Breakable) -> None:
    pipeline = make(matting)
    matte = np.full((180, 320), 77, np.uint8)
    pipeline.process(disc(), blank(320, 180, FULL), matte)
    assert matte[90, 160] == 255
    assert matte[5, 5] == 0
    area = (matte > 127).sum()
    assert area == pytest.approx(np.pi * 40**2, rel=0.05)


def spec(width: int, height: int) -> InputSpec:
    """A network's input."""
    return InputSpec(name="x", width=width, height=height)


@pytest.mark.parametrize(
    ("roi", "inner"),
    [
        (Rect(0, 0, 1920, 1080), Rect(0, 0, 256, 144)),
        (Rect(0, 0, 640, 480), Rect(0, 0, 256, 144)),
        (Rect(0, 0, 1080, 1920), Rect(67, 0, 122, 144)),
        (Rect(0, 0, 1920, 300), Rect(0, 42, 256, 60)),
        (Rect(0, 0, 2, 4000), Rect(127, 0, 2, 144)),
    ],
)
def test_parts_of_another_shape_get_bars(roi: Rect, inner: Rect) -> None:
    got = inner_rect(roi, spec(256, 144))
    assert got == inner
    assert not (got.width | got.height) & 1


def test_somebody_who_jumps_to_the_rois_border_stays(matting: Breakable) -> None:
    """Frames were lost meanwhile: they are where the ROI ends, which cuts nobody."""
    pipeline = make(matting)
    play(pipeline, [disc(x=190, radius=36, serial=i) for i in range(6)])
    roi = pipeline._common.tracker.roi
    assert roi.x > 60
    jumped = roi.x + 20
    (y,) = play(pipeline, [disc(x=jumped, radius=36, serial=6)])
    assert abs(int(y[90, jumped + 10]) - PERSON) <= 1
    assert leaked(y) == 0
