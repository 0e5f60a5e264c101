"""What is said, in the picture: on both sides, over everything, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Companion, Settings
from appliance.errors import InputError
from appliance.media.caption import Caption
from appliance.media.frame import Frame, blank
from appliance.pipeline.base import FramePipeline
from appliance.stages.captions.painter import CaptionPainter
from appliance.stages.cascade import CASCADE
from tests.captions.fonts import drawer_for
from tests.kernels.gpus import emulated
from tests.pipeline.conftest import FORMAT, Maker
from tests.pipeline.test_layer import on_cpu
from tests.scenes import FULL, disc, flat

# Of a file read as fast as possible: each caption is waited for.
FILE: dict[str, Any] = {"source": {"uri": "test://", "pace": "fast"}}
LOOK = {"enabled": True, "size": 0.15, "margin": 0.1}
HELLO = Caption("Hello", "en", 1)

Side = Callable[..., FramePipeline]


@pytest.fixture(params=["cpu", "gpu"])
def pipeline(request: pytest.FixtureRequest, make: Maker, network: Path) -> Side:
    drawer_for()

    def made(stages: dict[str, Any], **others: Any) -> FramePipeline:
        wanted = {"stages": stages, **FILE, **others}
        if request.param == "gpu":
            return make(emulated(network), **wanted)
        return on_cpu(network, **wanted)

    return made


def frame_of(serial: int, caption: Caption | None = None, nobody: bool = False) -> Frame:
    if nobody:
        picture = replace(flat(FORMAT.width, FORMAT.height, 60), pts=serial * 33_000_000)
    else:
        picture = disc(FORMAT.width, FORMAT.height, 80, 45, 16, serial=serial)
    return replace(picture, serial=serial, caption=caption)


def shown(pipeline: FramePipeline, frame: Frame) -> Frame:
    out = blank(FORMAT.width, FORMAT.height, FULL)
    pipeline.process(frame, out)
    return out


def touched(got: Frame, plain: Frame) -> np.ndarray:
    return got.y != plain.y


@pytest.mark.parametrize("nobody", [False, True])
@pytest.mark.parametrize("place", ["bottom", "top"])
def test_captions_come_go_and_touch_nothing_else(pipeline: Side, nobody: bool, place: str) -> None:
    plain, with_captions = pipeline({}), pipeline({"captions": {**LOOK, "place": place}})
    goodbye = Caption("Bye", "en", 2)
    for serial, caption in enumerate([None, HELLO, HELLO, HELLO, goodbye, None, HELLO]):
        frame = frame_of(serial, caption, nobody)
        want, got = shown(plain, frame), shown(with_captions, frame)
        there = touched(got, want)
        if caption is None:
            assert not there.any()
            assert np.array_equal(got.uv, want.uv)
            continue
        rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        assert 10 < np.ptp(rows) < 28
        assert 20 < np.ptp(columns) < 80
        edge = rows[0] if place == "top" else FORMAT.height - 1 - rows[-1]
        assert 8 <= edge <= 12
        assert got.y[there].max() > 220
    assert with_captions.resting == {}


def test_both_sides_are_alike(make: Maker, network: Path) -> None:
    drawer_for()
    wanted = {"stages": {"captions": LOOK}, **FILE}
    here, there = on_cpu(network, **wanted), make(emulated(network), **wanted)
    for serial in range(6):
        frame = frame_of(serial, HELLO)
        one, other = shown(here, frame), shown(there, frame)
        assert np.abs(one.y.astype(int) - other.y).max() <= 1
        assert np.abs(one.uv.astype(int) - other.uv).max() <= 1


def test_no_key_has_them(pipeline: Side) -> None:
    kinds = [Companion("key"), Companion("fill"), Companion("green", "#00ff00")]
    outputs = [{"uri": f"null://{kind.what}", "what": kind.what} for kind in kinds]
    made = [pipeline({"captions": look}, outputs=outputs) for look in (LOOK, {})]
    for serial in range(3):
        besides = []
        for one in made:
            out = blank(FORMAT.width, FORMAT.height, FULL)
            beside = {kind: blank(FORMAT.width, FORMAT.height, FULL) for kind in kinds}
            one.process(frame_of(serial, HELLO), out, None, None, beside)
            besides.append((out, beside))
        assert touched(besides[0][0], besides[1][0]).any()
        for kind in kinds:
            assert np.array_equal(besides[0][1][kind].y, besides[1][1][kind].y)


def test_no_look_is_on_them() -> None:
    names = [step.name for step in CASCADE]
    order = ["composite", "interpolate", "style-all", "captions", "wait"]
    assert [name for name in names if name in order] == order


def test_frames_made_between_have_them_too(pipeline: Side) -> None:
    made = pipeline({"captions": LOOK, "interpolate": {"enabled": True}})
    for serial in range(5):
        out, also = (blank(FORMAT.width, FORMAT.height, FULL) for _ in range(2))
        outcome = made.process(frame_of(serial, HELLO), out, None, also)
        if outcome.made_at is not None:
            assert np.array_equal(also.y[70:80], out.y[70:80])
            assert also.y[70:80].max() > 220


def test_settings_change_between_two_frames(pipeline: Side) -> None:
    made = pipeline({"captions": LOOK})
    assert shown(made, frame_of(0, HELLO)).y[70:].max() > 220
    top = Settings.model_validate({"stages": {"captions": {**LOOK, "place": "top"}}, **FILE})
    for serial, (settings, upper, lower) in enumerate(
        [(top, True, False), (Settings(), False, False), (top, True, False)], 1
    ):
        made.configure(settings)
        got = shown(made, frame_of(serial, HELLO))
        assert (got.y[:25].max() > 220, got.y[70:].max() > 220) == (upper, lower)


def test_one_that_fails_rests_and_the_frame_goes_on(
    pipeline: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, made = pipeline({}), pipeline({"captions": LOOK})

    def fails(*_: object) -> None:
        raise InputError("no more memory for letters")

    monkeypatch.setattr(CaptionPainter, "overlay", fails)
    for serial in range(3):
        frame = frame_of(serial, HELLO)
        assert np.array_equal(shown(made, frame).y, shown(plain, frame).y)
    assert "no more memory for letters" in made.resting["captions"]
