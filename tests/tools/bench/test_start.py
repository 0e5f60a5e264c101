"""A start: what it reads in, which kernels it has ready, and how that is told."""

from __future__ import annotations

import os
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from appliance.config.settings import Settings
from appliance.pixels.native import entry
from appliance.stages.kernels import prepare_kernels, wanted_kernels
from appliance.tools.bench import smaps
from appliance.tools.bench.start import config_for, start_once

# What a box with a camera and a picture behind it never needs, or not before its first composite.
_NOT_READ = {
    "onnx", "av", "aiortc", "torch", "skimage", "uvicorn",
    "appliance.http.server", "appliance.http.schemas", "appliance.sources.avatar.source",
    "appliance.voices.make", "appliance.faces.make", "appliance.playout.playout",
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run of the default settings says after 20 composites of the demo."""
    settings = Settings.model_validate({"http": {"enabled": False}})
    prepare_kernels("cpu", settings)
    return start_once(config_for(settings, tmp_path_factory.mktemp("run")), 20, memory=True)


def test_what_is_not_needed_is_not_read_in(said: dict[str, Any]) -> None:
    assert {"cv2", "onnxruntime", "appliance.pixels.cpu"} <= set(said["modules"])
    assert not _NOT_READ & set(said["modules"])


@pytest.mark.skipif(
    os.uname().machine != "x86_64" or version("numba").rpartition(".")[0] not in entry.TRIED,
    reason="here kernels are numba's to run",
)
def test_kernels_that_were_compiled_once_need_no_compiler(said: dict[str, Any]) -> None:
    assert not {"numba", "llvmlite", "scipy"} & set(said["modules"])


def test_no_frame_waits_for_a_kernel(said: dict[str, Any]) -> None:
    """All that 20 frames with a person used was ready before them, and nothing more was."""
    wanted = {kernel.name for kernel in wanted_kernels("cpu", Settings())}
    assert set(said["kernels"]) == wanted
    assert "appliance.pixels.cpu.composite._composite" in wanted


def test_it_says_where_time_and_memory_went(said: dict[str, Any]) -> None:
    marks = said["marks"]
    assert [mark["done"] for mark in marks][-2:] == ["the first composite", "20 composites"]
    for key in ("wall_ms", "cpu_ms"):
        assert all(a[key] <= b[key] for a, b in pairwise(marks))
    assert set(said["beside_ms"]) == {"the network", "the source"}
    whole = sum(held["rss_mb"] for held in said["holders"].values())
    assert whole == pytest.approx(marks[-1]["rss_mb"], rel=0.1)


def test_a_stage_that_is_on_has_its_kernels_ready() -> None:
    plain = {kernel.name for kernel in wanted_kernels("cpu", Settings())}
    with_light = Settings.model_validate({"stages": {"harmonise": {"enabled": True}}})
    more = {kernel.name for kernel in wanted_kernels("cpu", with_light)}
    assert {name.rpartition(".")[2] for name in more - plain} >= {"_composite_lit", "_relight"}
    assert plain < more


def test_memory_is_told_by_what_its_pages_are_of() -> None:
    held = smaps.by_holder(
        [
            "7f00-7f10 r-xp 00000000 fe:00 1   /usr/lib/libgstreamer-1.0.so.0",
            "Size:  99 kB", "Rss:  2048 kB", "Private_Dirty:  0 kB",
            "7f10-7f20 rw-p 00000000 00:00 0",
            "Rss:  4096 kB", "Private_Dirty:  3072 kB",
            "7f20-7f30 r-xp 00000000 fe:00 2   /a folder/with spaces/x._mix-1.kernel",
            "Rss:  1024 kB", "Private_Dirty:  512 kB",
        ]
    )  # fmt: skip
    assert {name: (one.rss, one.private) for name, one in held.items()} == {
        "heap and stacks": (4.0, 3.0), "GStreamer": (2.0, 0.0), "kernels": (1.0, 0.5),
    }  # fmt: skip
    assert list(held) == ["heap and stacks", "GStreamer", "kernels"]


def test_the_settings_of_a_measured_run_come_from_the_users(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"background": {"uri": "colour:#123456"}, "outputs": [{"uri": "rtsp://127.0.0.1:1/x"}]}
    )
    text = config_for(settings, tmp_path).read_text()
    assert "colour:#123456" in text
    assert "demo://" in text
    assert "rtsp://" not in text
