"""Frames that bring their matte, in the whole path, on both sides, also among a camera's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Companion
from appliance.errors import MattingError
from appliance.media.frame import U8, Frame, blank
from appliance.networks.tensorrt_device import DeviceNetwork
from appliance.pipeline.base import FramePipeline
from tests.kernels.gpus import Breakable, emulated
from tests.networks.bright import bright_network
from tests.pipeline.conftest import FORMAT, Maker
from tests.pipeline.test_layer import on_cpu
from tests.scenes import FULL, PERSON, STAGE, Stage, disc, leaked
from tests.stages.given.scene import blended, composited, matted, pipeline_of, soft_disc

W, H = FORMAT.width, FORMAT.height
FRAMES = 10
"""Enough for the GPU's graphs to be recorded and replayed."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose grid is as fine as the given matte's on the CPU, so that both sides compare."""
    return bright_network(tmp_path_factory.mktemp("network"), width=80, height=45)


def one(
    side: str, make: Maker, network: Path, stages: dict[str, Any], **more: Any
) -> FramePipeline:
    """A pipeline with a network: for a camera's frames, too."""
    if side == "gpu":
        return make(emulated(network), stages=stages, **more)
    return on_cpu(network, stages, **more)


def walking(k: int) -> U8:
    return soft_disc(W, H, 0.2 + 0.03 * k)


def apart(one: Frame, other: Frame) -> int:
    y, uv = np.abs(one.y.astype(int) - other.y), np.abs(one.uv.astype(int) - other.uv)
    return int(max(y.max(), uv.max()))


def check_as_it_came(pipeline: FramePipeline, k: int) -> None:
    alpha = walking(k)
    frame = matted(alpha, k)
    out, matte = composited(pipeline, frame)
    assert np.array_equal(matte, alpha)
    assert apart(out, blended(frame, alpha, Stage(W, H).picture)) <= 1


@pytest.mark.parametrize("stages", [{}, {"mattes": {"enabled": True}}], ids=["one pass", "layer"])
def test_no_network_runs_on_the_gpu(make: Maker, network: Path, stages: dict[str, Any]) -> None:
    def once_broken(given: DeviceNetwork) -> Any:
        return loaded.setdefault("it", Breakable(given))

    loaded: dict[str, Breakable] = {}
    pipeline = make(emulated(network, made=once_broken), stages=stages)
    loaded["it"].broken = "throws"
    for k in range(FRAMES):
        check_as_it_came(pipeline, k)
    assert "launch network" not in pipeline.clock.stages
    with pytest.raises(MattingError, match="it broke"):
        pipeline.process(disc(W, H, 60, 45, 20), blank(W, H, FULL))


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_what_is_told_of_the_person(side: str, make: Maker, network: Path) -> None:
    pipeline = one(side, make, network, {})
    outcome = pipeline.process(matted(soft_disc(W, H)), blank(W, H, FULL))
    assert outcome.people == 1
    assert outcome.box is not None
    sides = (outcome.box.left, outcome.box.top, outcome.box.right, outcome.box.bottom)
    assert sides == pytest.approx((42, 23, 87, 68), abs=4)
    nobody = matted(np.zeros((H, W), np.uint8), serial=1)
    out = blank(W, H, FULL)
    outcome = pipeline.process(nobody, out)
    assert (outcome.people, outcome.box) == (0, None)
    assert (out.y == STAGE).all()


@pytest.mark.parametrize("side", ["cpu", "gpu"])
@pytest.mark.parametrize("stages", [{}, {"mattes": {"enabled": True}}], ids=["one pass", "layer"])
def test_among_a_camera_s_frames(
    side: str, make: Maker, network: Path, stages: dict[str, Any]
) -> None:
    """Neither leaves anything behind for the other, whether they change rarely or each time."""
    pipeline, fresh = one(side, make, network, stages), one(side, make, network, stages)
    kinds = "cccc" + FRAMES * "g" + "cgcgcgcgcgcgcccg"
    for k, kind in enumerate(kinds):
        if kind == "g":
            check_as_it_came(pipeline, k % 12)
            continue
        frame = disc(W, H, 40 + 3 * (k % 12), 45, 20, serial=k)
        out, _ = composited(pipeline, frame)
        assert leaked(out.y) == 0
        assert (out.y > (PERSON + STAGE) // 2).any()
        if k > 0 and kinds[k - 1] == "g":
            first, _ = composited(fresh, replace(frame, discontinuity=True))
            assert apart(out, first) == 0


STAGES: dict[str, dict[str, Any]] = {
    "shrunk": {"edge": {"choke": 2}},
    "shrunk, layered": {"edge": {"choke": 2}, "stages": {"mattes": {"enabled": True}}},
    "relit": {"stages": {"harmonise": {"enabled": True, "light_wrap": 0.5}}},
    "in its colours": {"stages": {"harmonise": {"enabled": True, "match": "colours"}}},
    "framed": {"stages": {"frame": {"enabled": True, "size": 0.8}}},
    "for a camera": {
        "stages": {
            "plate": {"enabled": True}, "keyer": {"enabled": True},
            "select": {"enabled": True, "keep": "chair"},
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("name", STAGES)
def test_both_sides_do_with_it_what_they_do_with_another(
    name: str, make: Maker, network: Path
) -> None:
    wanted = dict(STAGES[name])
    stages = wanted.pop("stages", {})
    sides = [one(side, make, network, stages, **wanted) for side in ("cpu", "gpu")]
    plain = pipeline_of(W, H)
    changed = False
    for k in range(FRAMES):
        frame = matted(walking(k // 4), k // 4)
        frame = replace(frame, pts=k * 33_333_333)
        (out, matte), (device_out, device_matte) = (composited(side, frame) for side in sides)
        if k:
            # What is measured of a frame, the GPU applies to the next one.
            assert np.abs(matte.astype(int) - device_matte).max() <= 1
            assert apart(out, device_out) <= 2
        changed = changed or apart(out, composited(plain, frame)[0]) > 8
    assert [dict(side.resting) for side in sides] == [{}, {}]
    assert changed == (name != "for a camera")


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_nothing_is_shown_beyond_the_matte(side: str, make: Maker, network: Path) -> None:
    """There the picture may hold anything: the edge is neither grown nor softened, only shrunk."""
    for edge in ({"choke": -3}, {"softness": 6}, {"choke": 3, "softness": 6}):
        pipeline = one(side, make, network, {}, edge=edge)
        for k in range(2):
            _, matte = composited(pipeline, matted(walking(4), k))
            shrinks = "softness" in edge and "choke" in edge
            assert (matte <= walking(4)).all()
            assert (matte.sum() < 0.9 * walking(4).sum()) == shrinks


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_of_polygons_only_what_is_cut_off_is(side: str, make: Maker, network: Path) -> None:
    """What is kept of a camera's picture is not there: the room may hold anything."""
    drawn = {"room": "0,0 0.4,0 0.4,1 0,1", "keep": "0.75,0.5 1,0.5 1,1 0.75,1", "feather": 0.0}
    pipeline = one(side, make, network, {"mattes": {"enabled": True, **drawn}})
    alpha = soft_disc(W, H)
    for k in range(FRAMES):
        out, matte = composited(pipeline, matted(alpha, k))
        assert not matte[:, :64].any()
        assert np.array_equal(matte[:, 66:], alpha[:, 66:])
        assert (out.y[:, 90:] == STAGE).all()
    _, matte = composited(pipeline, disc(W, H, 40, 45, 20, serial=20))
    assert (matte[48:88, 124:158] == 255).all()


@pytest.mark.parametrize("side", ["cpu", "gpu"])
def test_a_key_and_a_frame_between(side: str, make: Maker, network: Path) -> None:
    pipeline = one(
        side, make, network, {"interpolate": {"enabled": True, "mode": "between"}},
        outputs=[{"uri": "null://key", "what": "key"}],
    )  # fmt: skip
    key = Companion("key")
    still = np.random.default_rng(0).integers(0, 256, (H, W), dtype=np.uint8)
    for k in range(6):
        out, also, beside = (blank(W, H, FULL) for _ in range(3))
        frame = replace(matted(walking(1), k), y=still, pts=k * 40_000_000)
        outcome = pipeline.process(frame, out, None, also, {key: beside})
        assert np.abs(beside.y.astype(int) - walking(1)).max() <= 1
        assert outcome.made_at == (None if k == 0 else k * 40_000_000 - 20_000_000)
        if k:
            assert apart(also, out) <= 130  # the chroma is another frame's
            assert np.abs(also.y.astype(int) - out.y).mean() < 3
    assert pipeline.resting == {}


@pytest.mark.parametrize("side", ["cpu", "gpu"])
@pytest.mark.parametrize(
    "alpha",
    [np.zeros((H, W + 2), np.uint8), np.zeros((H, W), np.float32), np.zeros((H, W, 1), np.uint8)],
    ids=["size", "kind", "planes"],
)
def test_one_that_does_not_fit_is_refused_in_words(
    side: str, alpha: Any, make: Maker, network: Path
) -> None:
    pipeline = one(side, make, network, {})
    check_as_it_came(pipeline, 0)
    with pytest.raises(MattingError, match="expected uint8 160x90"):
        pipeline.process(matted(alpha, 1, (H, W)), blank(W, H, FULL))
    check_as_it_came(pipeline, 2)
