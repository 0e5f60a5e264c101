"""The whole frame's motion: estimated once a frame, never across a cut, by DIS or a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from appliance.config.settings import Settings
from appliance.errors import ModelError
from appliance.media.frame import U8, Format, Frame, Rect, blank
from appliance.networks import flow as flow_networks
from appliance.pipeline.cpu import Pipeline
from appliance.pixels.cpu.flow import Flow, follow, origin_over, origin_through, unexplained_over
from appliance.shedding import Level
from appliance.stages.motion.cpu import MotionSteps
from tests.networks.bright import bright_network
from tests.scenes import FULL, Stage

PERIOD = 40_000_000


def texture(width: int, height: int, seed: int = 0) -> U8:
    """A picture with texture at a scale that every grid can see, twice as large as asked for."""
    noise = np.random.default_rng(seed).random((height // 2, width // 2)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), max(2.0, width / 240))
    even = np.empty_like(smooth)
    cv2.normalize(smooth, even, 10, 245, cv2.NORM_MINMAX)
    return np.asarray(cv2.resize(even, (2 * width, 2 * height)), np.uint8)


def view(picture: U8, width: int, height: int, number: int, dx: int, dy: int) -> Frame:
    """Frame ``number`` of a camera before the picture, which seems to move by dx, dy a frame."""
    x, y = width // 2 - number * dx, height // 2 - number * dy
    frame = blank(width, height, FULL)
    frame.y[:] = picture[y : y + height, x : x + width]
    return replace(frame, serial=number, pts=1 + number * PERIOD)


def steps(width: int, height: int, **motion: object) -> MotionSteps:
    settings = Settings.model_validate({"stages": {"motion": {"enabled": True, **motion}}})
    return MotionSteps(SimpleNamespace(settings=settings, format=Format(width, height)))  # type: ignore[arg-type]


def seen(steps: MotionSteps, frame: Frame) -> Any:
    work = SimpleNamespace(frame=frame, motion=None, cut=None)
    steps.motion(work)  # type: ignore[arg-type]
    return work


@pytest.mark.parametrize("quality", ["ultrafast", "fast", "medium"])
@pytest.mark.parametrize(
    ("width", "height"), [(1920, 1080), (1080, 1920), (3840, 2160), (322, 182), (98, 130)]
)
def test_the_picture_is_followed_at_any_size(quality: str, width: int, height: int) -> None:
    dx, dy = width // 64 * 2, height // 90 * 2
    picture = texture(width, height)
    part = steps(width, height, quality=quality)
    assert seen(part, view(picture, width, height, 0, dx, dy)).motion is None
    work = seen(part, view(picture, width, height, 1, dx, dy))
    assert work.cut is None
    motion = work.motion
    assert motion.elapsed == PERIOD
    assert motion.unexplained < 0.08
    whole, rect = Rect(0, 0, width, height), Rect(width // 4, height // 4, width // 2, height // 2)
    rows, columns = 40, 60
    origin = origin_over(motion, whole, rect, rows, columns)
    middle = origin[10:30, 15:45] - np.dstack(np.meshgrid(range(15, 45), range(10, 30)))
    # In pixels of the frame.
    found = middle.reshape(-1, 2) * (rect.width / columns, rect.height / rows)
    assert np.median(found, axis=0) == pytest.approx((-dx, -dy), abs=max(1.0, width / 500))


def test_a_plane_over_a_part_of_the_frame_goes_along() -> None:
    """Twice the carry's grid, elsewhere in the frame: cells meet where they should."""
    width, height, rect = 640, 360, Rect(120, 60, 320, 240)
    picture = texture(width, height)
    part = steps(width, height)
    seen(part, view(picture, width, height, 0, 16, 8))
    motion = seen(part, view(picture, width, height, 1, 16, 8)).motion
    across, down = np.meshgrid(np.arange(160), np.arange(120))

    def disc(x: float, y: float) -> np.ndarray[Any, Any]:
        distance = np.hypot(across - x, down - y)
        return np.clip((25 - distance) / 3 + 0.5, 0, 1).astype(np.float32)

    origin = origin_over(motion, Rect(0, 0, width, height), rect, 120, 160)
    assert np.abs(follow(disc(70, 50), origin) - disc(78, 54)).mean() < 0.004


def test_the_motion_on_a_canvas_that_shows_a_part() -> None:
    """A point that stands still in the room moves on a canvas that is moved, and the reverse."""
    width, height = 640, 360
    rows, columns = 36, 64
    frame = Rect(0, 0, width, height)
    across, down = np.meshgrid(np.arange(columns), np.arange(rows))
    own = np.dstack((across, down)).astype(np.float32)
    before = SimpleNamespace(left=100.0, top=40.0, scale=2.0)
    now = SimpleNamespace(left=120.0, top=50.0, scale=1.6)
    # In pixels: the picture moved by (30, -10).
    origin = own + np.array([-3, 1], np.float32)
    found = origin_through(origin, frame, before, now)
    x, y = 300.0, 200.0
    place = found[int(y / 10), int(x / 10)] * 10 + 5
    camera = (305 / 1.6 + 120, 205 / 1.6 + 50)
    want = ((camera[0] - 30 - 100) * 2.0, (camera[1] + 10 - 40) * 2.0)
    assert place == pytest.approx(want, abs=0.05)
    same = SimpleNamespace(left=0.0, top=0.0, scale=1.0)
    assert np.allclose(origin_through(origin, frame, same, same), origin, atol=1e-4)


def test_what_is_unexplained_is_told_of_each_part() -> None:
    width, height = 640, 360
    picture = texture(width, height)
    part = steps(width, height)
    first, second = (view(picture, width, height, number, 4, 0) for number in (0, 1))
    second.y[100:200, 400:560] = 255 - second.y[100:200, 400:560]
    seen(part, first)
    motion = seen(part, second).motion
    whole = Rect(0, 0, width, height)
    assert unexplained_over(motion, whole, Rect(400, 100, 160, 100)) > 0.3
    assert unexplained_over(motion, whole, Rect(0, 0, 300, 360)) < 0.05
    assert unexplained_over(motion, whole, whole) == pytest.approx(motion.unexplained, abs=1e-6)
    # A part smaller than a cell, at the very corner, still has an answer.
    assert unexplained_over(motion, whole, Rect(638, 358, 2, 2)) in (0.0, 1.0)


@pytest.mark.parametrize("what", ["another scene", "black", "a jump in time", "another size"])
def test_no_motion_across_a_cut(what: str) -> None:
    part = steps(640, 360)
    picture = texture(640, 360)
    seen(part, view(picture, 640, 360, 0, 4, 0))
    assert seen(part, view(picture, 640, 360, 1, 4, 0)).motion is not None
    after = view(picture, 640, 360, 2, 4, 0)
    if what == "another scene":
        after = view(texture(640, 360, seed=1), 640, 360, 2, 4, 0)
    elif what == "black":
        after.y[:] = 0
    elif what == "a jump in time":
        after = replace(after, pts=after.pts + 10_000_000_000)
    else:
        after = view(texture(320, 180), 320, 180, 2, 4, 0)
    work = seen(part, after)
    assert (work.motion, work.cut) == (None, True)
    # And on it goes from there.
    shape = (after.width, after.height)
    picture = {"another scene": texture(640, 360, seed=1)}.get(what, texture(*shape))
    again = replace(view(picture, *shape, 2, 4, 0), pts=after.pts + PERIOD)
    seen(part, again)
    assert seen(part, replace(view(picture, *shape, 3, 4, 0), pts=again.pts + PERIOD)).motion


def test_a_reset_forgets_the_last_frame() -> None:
    part = steps(640, 360)
    picture = texture(640, 360)
    seen(part, view(picture, 640, 360, 0, 4, 0))
    part.reset()
    work = seen(part, view(picture, 640, 360, 1, 4, 0))
    assert (work.motion, work.cut) == (None, None)


@pytest.mark.parametrize("shared", [True, False])
def test_one_flow_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool) -> None:
    """What carries the matte under load takes the motion that is there."""
    calls = []
    once = Flow.__call__

    def counted(self: Flow, luma: U8, previous: U8) -> Any:
        calls.append(luma.shape)
        return once(self, luma, previous)

    monkeypatch.setattr(Flow, "__call__", counted)
    width, height, frames = 640, 360, 11
    matting: Any = flow_of_bright(tmp_path / "bright")
    settings = {"stages": {"motion": {"enabled": shared}}, "roi": {"rescan_s": 30}}
    pipeline = Pipeline(
        Settings.model_validate(settings), Format(width, height, (25, 1), FULL), matting,
        Stage(width, height),
    )  # fmt: skip
    pipeline.shed(Level.REUSE)
    picture = (texture(width, height) * 0.5).astype(np.uint8)
    out, carried = blank(width, height, FULL), 0
    for number in range(frames):
        frame = view(picture, width, height, number, 4, 0)
        frame.y[100:260, 200 + 4 * number : 420 + 4 * number] = 230
        carried += pipeline.process(frame, out).carried
    assert carried == frames // 2
    assert pipeline.resting == {}
    assert len(calls) == (frames - 1 if shared else carried)
    assert set(calls) == ({(270, 480)} if shared else {(144, 256)})


def flow_of_bright(folder: Path) -> Any:
    from appliance.networks.sizes import load_sizes

    bright_network(folder, width=64, height=36, manifest={"name": "bright"})
    return load_sizes(folder / "manifest.yaml", 1)


def flow_network(folder: Path, shift: tuple[float, float], **manifest: object) -> Path:
    """A network that says that all came from ``shift``, and NaN where the last picture is black."""
    folder.mkdir(parents=True)
    shape = [1, 3, 36, 64]
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("now", "last")]
    out = helper.make_tensor_value_info("flow", TensorProto.FLOAT, [1, 2, 36, 64])
    constants = [
        numpy_helper.from_array(np.array(shift, np.float32).reshape(1, 2, 1, 1), "shift"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
    ]
    nodes = [
        helper.make_node("Add", ["now", "last"], ["both"]),
        helper.make_node("ReduceSum", ["both", "axis"], ["sum"], keepdims=1),
        helper.make_node("ReduceSum", ["last", "axis"], ["old"], keepdims=1),
        # sum / old is finite wherever the last picture is not black.
        helper.make_node("Div", ["sum", "old"], ["share"]),
        helper.make_node("Sub", ["share", "share"], ["nothing"]),
        helper.make_node("Add", ["nothing", "shift"], ["flow"]),
    ]
    graph = helper.make_graph(nodes, "flow", inputs, [out], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    told = {
        "name": "even", "task": "flow", "previous": "last",
        "input": {"name": "now", "width": 64, "height": 36}, "output": {"name": "flow"},
    } | manifest  # fmt: skip
    (folder / "manifest.yaml").write_text(yaml.safe_dump(told))
    return folder / "manifest.yaml"


class _Here:
    """In place of ``Loading``: there at once."""

    def __init__(self, load: Any, name: str) -> None:
        self._made = load()

    def get(self) -> Any:
        return self._made


def test_a_network_gives_the_motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = flow_network(tmp_path / "even", (-2.0, 1.0))
    monkeypatch.setattr("appliance.stages.motion.cpu.Loading", _Here)
    part = steps(640, 360, model=str(path))
    # Ten pixels a cell.
    picture = texture(640, 360)
    picture = np.maximum(picture, 1)
    seen(part, view(picture, 640, 360, 0, 20, -10))
    motion = seen(part, view(picture, 640, 360, 1, 20, -10)).motion
    assert motion.origin.shape == (36, 64, 2)
    assert motion.origin[10, 20] == pytest.approx((18, 11), abs=1e-3)
    assert motion.unexplained < 0.1


def test_a_network_that_gives_no_number_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = flow_network(tmp_path / "even", (0.0, float("nan")))
    monkeypatch.setattr("appliance.stages.motion.cpu.Loading", _Here)
    part = steps(640, 360, model=str(path))
    seen(part, view(texture(640, 360), 640, 360, 0, 0, 0))
    with pytest.raises(RuntimeError, match="no number"):
        seen(part, view(texture(640, 360), 640, 360, 1, 0, 0))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"task": "alpha"}, "found alpha .*expected flow"),
        ({"previous": ""}, "previous: NAME"),
        ({"previous": "before"}, "expected an input 'before'"),
        ({"output": {"name": "other"}}, "expected an output 'other'"),
        ({"output": {"name": "flow", "layout": "NHWC"}}, r"\[1, 36, 64, 2\]"),
    ],
)
def test_a_network_for_something_else(
    tmp_path: Path, manifest: dict[str, object], words: str
) -> None:
    path = flow_network(tmp_path / "even", (0, 0), **manifest)
    with pytest.raises(ModelError, match=words):
        flow_networks.load_flow(str(path))
