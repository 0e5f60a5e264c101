"""The clip that the benchmark makes from the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import InputError
from appliance.media.frame import Format
from appliance.tools.bench import clip as clip_module
from appliance.tools.bench.clip import made_clip
from tests.conftest import ClipFactory
from tests.sources.pictures import first_frame


def test_it_has_the_format_and_comes_from_a_video_only(
    clip: ClipFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_module, "cache_folder", lambda: tmp_path)
    made = made_clip(clip(320, 240, frames=20), Format(160, 96, (30, 1)), 0.5)
    frame = first_frame(made)
    assert (frame.width, frame.height) == (160, 96)
    drawing = tmp_path / "clip.mp4"
    drawing.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>')
    with pytest.raises(InputError, match=r"it is image/svg\+xml, which is not played"):
        made_clip(drawing, Format(160, 96, (30, 1)), 0.5)
