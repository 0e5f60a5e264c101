"""A limit on the process's memory is called by its name."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import ConfigError, InputError, MissingDependency
from appliance.media.gst import Gst
from appliance.sources.elements import make
from appliance.system import memory
from tests.conftest import ClipFactory
from tests.sources.pictures import first_frame


def ran(root: Path, clip: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """``mattebox run`` for a frame, with so much address space."""
    return subprocess.run(
        [
            sys.executable, "-m", "appliance.cli", "run", "--source", str(clip), "--frames", "1",
            "--output", "null://", "--set", "http.enabled=false",
        ],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        timeout=50, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip


@pytest.mark.parametrize("limit", [900_000_000, 1_200_000_000])
def test_too_little_is_refused_at_once_in_words(root: Path, clip: ClipFactory, limit: int) -> None:
    done = ran(root, clip(320, 240, frames=5), limit)
    assert done.returncode == 2
    assert f"memory: this process may take {limit / 1e9:.2f} GB" in done.stderr
    assert "ulimit -v" in done.stderr
    assert "Traceback" not in done.stderr
    assert "decoder" not in done.stderr


def test_a_limit_nearly_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "limit", lambda: 1 << 20)
    assert "of the 0.00 GB that this process may take" in str(memory.spent())
    with pytest.raises(ConfigError, match="LimitAS="):
        memory.require()
    for enough in (None, 1 << 50):
        monkeypatch.setattr(memory, "limit", lambda enough=enough: enough)
        assert memory.spent() is None
        memory.require()


def test_a_decoder_that_cannot_be_loaded_is_no_missing_one(
    clip: ClipFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "limit", lambda: 1 << 20)
    with pytest.raises(MissingDependency, match="out of memory"):
        make("nosuchelement")
    ranks = {}
    for factory in Gst.ElementFactory.list_get_elements(
        Gst.ELEMENT_FACTORY_TYPE_DECODER, Gst.Rank.MARGINAL
    ):
        if factory.can_sink_any_caps(Gst.Caps.from_string("video/x-h264")):
            ranks[factory] = factory.get_rank()
            factory.set_rank(Gst.Rank.NONE)
    try:
        with pytest.raises(InputError, match="out of memory"):
            first_frame(clip(320, 240, frames=5))
    finally:
        for factory, rank in ranks.items():
            factory.set_rank(rank)
