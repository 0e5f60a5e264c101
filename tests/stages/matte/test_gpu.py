"""The whole path, emulated, against ``PostProcess`` and ``cpu.Compositor`` over a clip.

Tolerance: one step of 255, in all but one value in a hundred (bytes at a rounding boundary differ,
and steadying carries such differences on); nowhere more than three.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from appliance.config.settings import (
    CleanSettings,
    EdgeSettings,
    RefineSettings,
    Settings,
    SteadySettings,
)
from appliance.errors import MattingError
from appliance.media.frame import F32, Frame, Rect
from appliance.pixels import cpu
from appliance.pixels.gpu import Raw, Tensor
from appliance.stages.device.report import Report
from appliance.stages.timings import StageClock
from appliance.tools.bench.device_path import FramePath
from tests.kernels import driver
from tests.kernels.memory import Memory
from tests.kernels.postprocess import PostProcess
from tests.scenes import FULL, disc, flat

ROWS, COLUMNS = 36, 64
MEAN, SCALE = np.full(3, 127.5, np.float32), np.full(3, 1 / 127.5, np.float32)
WHOLE = Rect(0, 0, 192, 108)
INNER = Rect(0, 0, COLUMNS, ROWS)


class Both:
    """The same frames through both paths; the network is a luma threshold."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self._memory, self._settings = memory, settings
        self._tensor = memory.buffer(np.zeros((3, ROWS, COLUMNS), np.float32))
        tensor = Tensor(self._tensor.address, ROWS, COLUMNS)
        self.path = FramePath(memory.context, settings, tensor, FULL, mean=MEAN, scale=SCALE)
        self.post = PostProcess(settings, StageClock())
        self._compositor = cpu.Compositor()
        self._background = flat(192, 108, 120)
        self.reports: list[Report] = []

    def __call__(
        self, frame: Frame, rect: Rect = WHOLE, change: Callable[[F32], F32] = lambda alpha: alpha,
        inner: Rect = INNER,
    ) -> tuple[Frame, Frame, cpu.Matte | None]:  # fmt: skip
        """Both composites, GPU first, and the CPU's matte."""
        rows, columns = inner.height, inner.width
        planes = np.empty((3, rows, columns), np.float32)
        cpu.crop_planes(frame, rect, planes)
        alpha = change(np.clip((planes[0] - 90) / 100, 0, 1).astype(np.float32))
        want, matte = flat(192, 108, 0), None
        try:
            matte = self.post(alpha, planes, rect, frame=frame).matte
        except MattingError:
            self.post.reset()
        self._compositor(
            frame, self._background, matte, want,
            feather_fraction=self._settings.roi.ramp,
        )  # fmt: skip
        surface = self._memory.picture(frame, 3, 1).surface
        self.path.look(surface, rect, inner)
        raw: Raw = self._memory.raw(alpha, pad=5)
        out = self._memory.picture(flat(192, 108, 0), 64, 0)
        background = self._memory.picture(self._background).surface
        self.path.launch(raw, surface, background, out.surface)
        self.reports.append(self.path.report())
        return out.read(), want, matte


def check(got: Frame, want: Frame) -> None:
    for a, b in ((got.y, want.y), (got.uv, want.uv)):
        difference = np.abs(a.astype(int) - b)
        assert difference.max() <= 3
        assert (difference > 0).mean() < 0.01


def clip(frames: int = 8) -> list[Frame]:
    rng = np.random.default_rng(0)
    out = []
    for k in range(frames):
        frame = disc(192, 108, 70 + 3 * max(0, k - 3), 50, 30, serial=k)
        frame.y[:] = np.clip(frame.y + rng.normal(0, 1, frame.y.shape), 0, 255)
        out.append(frame)
    return out


SETTINGS = {
    "usual": Settings(),
    "no clean": Settings(clean=CleanSettings(enabled=False)),
    "no steady": Settings(steady=SteadySettings(enabled=False)),
    "no refine": Settings(refine=RefineSettings(enabled=False)),
    "edge": Settings(edge=EdgeSettings(choke=2, softness=3)),
    "edge grown": Settings(edge=EdgeSettings(choke=-3)),
    "edge, no refine": Settings(
        refine=RefineSettings(enabled=False, decontaminate=False), edge=EdgeSettings(softness=8)
    ),
    "no correction": Settings(refine=RefineSettings(decontaminate=False)),
    "largest only": Settings(clean=CleanSettings(keep="largest", grow=1)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_clip(memory: Memory, name: str) -> None:
    both = Both(memory, SETTINGS[name])
    for frame in clip():
        got, want, matte = both(frame)
        check(got, want)
        assert matte is not None
        assert (np.abs(got.y.astype(int) - 120) > 30).any(), "somebody is shown"


def test_the_roi_moves(memory: Memory) -> None:
    both = Both(memory, SETTINGS["usual"])
    rects = [WHOLE, WHOLE, Rect(20, 4, 120, 100), Rect(24, 4, 120, 100), Rect(24, 4, 120, 100)]
    inners = [INNER, INNER, Rect(0, 0, 64, 36), Rect(8, 0, 48, 36), Rect(8, 0, 48, 36)]
    for frame, rect, inner in zip(clip(5), rects, inners, strict=True):
        got, want, _ = both(frame, rect, inner=inner)
        # The last planes are resampled at positions that OpenCV rounds to 1/32 pixel.
        difference = np.abs(got.y.astype(int) - want.y)
        assert difference.max() <= 12
        assert (difference > 2).mean() < 0.02


def test_somebody_leaves_and_comes_back(memory: Memory) -> None:
    both = Both(memory, SETTINGS["usual"])
    for k, frame in enumerate(clip(10)):
        gone = 3 <= k < 7
        got, want, matte = both(flat(192, 108, 60) if gone else frame)
        check(got, want)
        assert (matte is None) == gone
        if gone:
            assert (got.y == 120).all()


def test_a_matte_fades_out_where_the_picture_stands_still(memory: Memory) -> None:
    """The network loses somebody who is still there: count 0, yet there is something to show."""
    both = Both(memory, SETTINGS["usual"])
    for k, frame in enumerate(clip(4) + [clip(4)[3]] * 3):
        gone = k > 3
        got, want, matte = both(frame, change=lambda alpha, gone=gone: alpha * (not gone))
        check(got, want)
        assert matte is not None


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.0])
def test_a_bad_matte_never_shows_the_room(memory: Memory, value: float) -> None:
    both = Both(memory, SETTINGS["usual"])
    for k, frame in enumerate(clip(6)):
        bad = k == 3
        got, want, _ = both(
            frame, change=lambda alpha, bad=bad: np.full_like(alpha, value) if bad else alpha
        )
        check(got, want)
        if bad:
            assert (got.y == 120).all()
    assert [report.refused for report in both.reports] == [False] * 3 + [True] + [False] * 2
    assert both.reports[3].cover.finite == (value == 1)


def test_reset_forgets(memory: Memory) -> None:
    both = Both(memory, SETTINGS["usual"])
    for k, frame in enumerate(clip(5)):
        if k == 3:
            both.post.reset()
            both.path.reset()
        got, want, _ = both(frame)
        check(got, want)


def test_a_frame_is_reported_on(memory: Memory) -> None:
    both = Both(memory, SETTINGS["usual"])
    with pytest.raises(RuntimeError, match="before any frame"):
        both.path.report()
    for frame in clip(3):
        both(frame)
    for report in both.reports:
        assert (report.rect, report.grid, report.count) == (WHOLE, (ROWS, COLUMNS), 1)
        assert report.box is not None
        x = report.box.x + report.box.width / 2
        assert abs(x * 3 - 70) < 3


def test_a_look_aside_leaves_the_frame_alone(memory: Memory) -> None:
    """The same clip, with looks at another part in between: the same composites."""
    both, alone = Both(memory, SETTINGS["usual"]), Both(memory, SETTINGS["usual"])
    part, inner = Rect(20, 4, 120, 100), Rect(8, 0, 48, 36)
    for frame in clip(5):
        got, want = both(frame)[0], alone(frame)[0]
        assert np.array_equal(got.y, want.y)
        planes = np.empty((3, 36, 48), np.float32)
        cpu.crop_planes(frame, part, planes)
        alpha = np.clip((planes[0] - 90) / 100, 0, 1).astype(np.float32)
        both.path.look_aside(memory.picture(frame).surface, part, inner)
        both.path.judge_aside(memory.raw(alpha))
        report = both.path.report_aside()
        assert (report.rect, report.grid, report.count) == (part, (36, 48), 1)
        kept = cpu.keep_components(alpha, 0.5, "all", 0.02)
        assert report.box == kept.box


def test_settings_change_between_frames(memory: Memory) -> None:
    """Refinement off and on again: coefficients never computed must not be used for steadying."""
    both = Both(memory, SETTINGS["no refine"])
    for k, frame in enumerate(clip(8)):
        if k in (2, 5):
            settings = SETTINGS["largest only" if k == 2 else "usual"]
            both.path.configure(settings)
            both.post.configure(settings)
            both._settings = settings
        got, want, _ = both(frame)
        check(got, want)


def test_no_allocation_and_one_wait_a_frame(memory: Memory) -> None:
    """The trace: the same launches each frame, no allocations, no wait except for the frame."""
    both = Both(memory, SETTINGS["usual"])
    frame = memory.picture(disc(192, 108)).surface
    background = memory.picture(flat(192, 108, 120)).surface
    out = memory.picture(flat(192, 108, 0)).surface
    raw = memory.raw(np.full((ROWS, COLUMNS), 0.5, np.float32))
    traces = []
    for _ in range(4):
        driver.log.launches.clear()
        before = driver.log.allocations, driver.log.waits
        both.path.look(frame, WHOLE, INNER)
        both.path.launch(raw, frame, background, out)
        both.path.report()
        assert driver.log.allocations == before[0]
        assert driver.log.waits <= before[1] + 1
        traces.append(list(driver.log.launches))
    assert traces[1] == traces[2] == traces[3]
    assert traces[2] == [
        "crop_nv12_f32", "components_tiles_f32", "components_merge", "components_fold",
        "components_choose", "components_mask", "clean_reach", "clean_fade", "steady",
        "guided_box", "guided_mean_box", "shift_box", "composite",
    ]  # fmt: skip
