"""Composites equal the recorded ones byte for byte; see ``recorded``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.pipeline import recorded

KNOWN = json.loads(recorded.FILE.read_text(encoding="utf-8"))


@pytest.mark.shared
@pytest.mark.parametrize("path", recorded.PATHS)
@pytest.mark.parametrize("clip", recorded.CLIPS)
@pytest.mark.parametrize("name", recorded.NETWORKS)
def test_as_recorded(shared: Path, tmp_path: Path, name: str, clip: str, path: str) -> None:
    manifest = recorded.network(name, tmp_path)
    assert recorded.weights(manifest) == KNOWN["weights"][name], (
        f"{name} has other weights than those recorded with; "
        "run `python -m tests.pipeline.recorded` and commit what it writes with them"
    )
    blur = recorded.CLIPS.index(clip) == 1
    media, keep = shared / "media" / clip, recorded.KEEP[name]
    seen = recorded.run(path, manifest, media, keep=keep, blur=blur)
    known = KNOWN["runs"][recorded.key(path, name, clip)]
    if recorded.arithmetic() == KNOWN["arithmetic"]:
        assert seen.sha256 == known["sha256"], "the composites are not those recorded"
    for got, want in zip(seen.means, known["means"], strict=True):
        assert got == pytest.approx(want, abs=1.0)
