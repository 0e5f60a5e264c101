"""Seams of whole avatars: made, kept, made again where something has changed."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from appliance.avatars.avatar import Avatar, AvatarManifest, SeamEntry, load_avatar, save_manifest
from appliance.errors import StorageError
from appliance.tools.avatar import seam as seam_module
from appliance.tools.avatar.graph import draw_graph, draw_seams
from appliance.tools.avatar.judge import MOST_JUMP
from appliance.tools.avatar.seams import is_good, make_seams
from tests.tools.avatar.moving import avatar, disc, middle, nobody, sway

pytestmark = pytest.mark.usefixtures("data_here")


def no_tick(_: float, __: float | None = None) -> None:
    """Shows nothing."""


def made(folder: Path, manifest: AvatarManifest) -> Avatar:
    save_manifest(folder, make_seams(folder, manifest, no_tick))
    return load_avatar(folder)


@pytest.fixture
def small(tmp_path: Path) -> AvatarManifest:
    """Idle sways, the action goes right and returns."""
    away = 64 + 24 * np.sin(np.pi * np.arange(15) / 14)
    return avatar(
        tmp_path, {"idle": ("idle", sway(20)), "wave": ("action", [disc(x) for x in away])}
    )


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times that were asked for between any two frames."""
    asked: list[float] = []
    true = seam_module.between

    def counted(*args: object) -> object:
        asked.append(args[3])  # type: ignore[arg-type]
        return true(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(seam_module, "between", counted)
    return asked


def test_seams_lead_smoothly_from_exit_to_entry(tmp_path: Path, small: AvatarManifest) -> None:
    told: list[str] = []
    ticks: list[float] = []
    manifest = make_seams(tmp_path, small, lambda done, _: ticks.append(done), told.append)
    save_manifest(tmp_path, manifest)
    found = load_avatar(tmp_path)
    assert ticks == sorted(ticks)
    assert ticks[-1] == 1
    assert "mattebox model add rife" in told[0]
    assert f"{len(manifest.seams)} of {len(manifest.seams)} seams are hard to see" in told[-1]
    assert {"dis", "cut"} >= {seam.method for seam in manifest.seams}
    assert any(seam.frames for seam in manifest.seams)
    for seam in manifest.seams:
        assert seam.jump <= MOST_JUMP, seam
        assert is_good(seam)
        if seam.frames:
            at = [middle(found.seams[seam].frame(i)) for i in range(seam.frames)]
            ends = (
                middle(found.clips[seam.source].frame(seam.exit)),
                middle(found.clips[seam.target].frame(seam.entry)),
            )
            way = np.diff([ends[0], *at, ends[1]])
            assert np.abs(way).max() <= abs(ends[1] - ends[0]) / 2 + 1.5, seam


def test_what_is_there_is_kept(tmp_path: Path, small: AvatarManifest, renders: list[float]) -> None:
    first = made(tmp_path, small).manifest
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "seams").glob("*.clip")}
    assert renders
    renders.clear()
    assert made(tmp_path, small).manifest == first
    assert not renders
    assert files == {p: p.stat().st_mtime_ns for p in (tmp_path / "seams").glob("*.clip")}
    # One that is lost is made again, as are figures that were cut short.
    lost = next(seam for seam in first.seams if seam.file)
    (tmp_path / lost.file).unlink()
    judged = tmp_path / "seams" / "judged.jsonl"
    judged.write_text("\n".join(judged.read_text().splitlines()[:-1]) + '\n["abc", 0.')
    assert made(tmp_path, small).manifest == first
    assert lost.frames <= len(renders) <= 4 * 9


def test_another_clip_makes_its_own_seams_anew(tmp_path: Path, small: AvatarManifest) -> None:
    first = made(tmp_path, small).manifest
    away = 64 + 20 * np.sin(np.pi * np.arange(15) / 14)
    changed = avatar(
        tmp_path, {"idle": ("idle", sway(20)), "wave": ("action", [disc(x) for x in away])}
    )
    again = made(tmp_path, changed).manifest

    def loops(manifest: AvatarManifest) -> list[SeamEntry]:
        return [seam for seam in manifest.seams if seam.source == seam.target]

    assert loops(again) == loops(first)
    keys = [{s.key for s in m.seams if "wave" in (s.source, s.target)} for m in (first, again)]
    assert not keys[0] & keys[1]
    # Files that no seam has any more are gone.
    there = {f"seams/{path.name}" for path in (tmp_path / "seams").glob("*.clip")}
    assert there == {seam.file for seam in again.seams if seam.file}


def test_broken_off_and_gone_on_with(
    tmp_path: Path, small: AvatarManifest, renders: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(tmp_path, whole, ignore=lambda *_: ["whole"])
    want = make_seams(whole, small, no_tick)
    everything = len(renders)
    renders.clear()
    counted = seam_module.between

    def breaks(*args: object) -> object:
        if len(renders) >= everything // 2:
            raise KeyboardInterrupt
        return counted(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(seam_module, "between", breaks)
        with pytest.raises(KeyboardInterrupt):
            make_seams(tmp_path, small, no_tick)
    assert not list((tmp_path / "seams").glob(".*"))
    half = len(renders)
    assert make_seams(tmp_path, small, no_tick) == want
    # What was not judged when it broke off is made again: one seam's frames.
    assert everything <= len(renders) <= everything + 9
    assert len(renders) - half < everything


def test_no_room_is_said_before_the_first(
    tmp_path: Path, small: AvatarManifest, renders: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 99, 1))
    with pytest.raises(StorageError, match=r"seams take up to \d+ MB, 0 MB are free; make room"):
        make_seams(tmp_path, small, no_tick)
    assert not renders


def test_still_pictures_and_nobody(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        avatar(
            tmp_path,
            {
                "idle": ("idle", [disc(64)]), "gone": ("action", [nobody()] * 3),
                "empty": ("idle", [nobody()]),
            },
        ),
    )  # fmt: skip
    loops = {s.source: s for s in found.manifest.seams if s.source == s.target}
    for name in ("idle", "empty"):
        assert (loops[name].frames, loops[name].jump, loops[name].sharpness) == (0, 0, 1)
    assert draw_graph(found).ndim == draw_seams(found).ndim == 3


def test_pictures_of_them(tmp_path: Path, small: AvatarManifest) -> None:
    found = made(tmp_path, small)
    graph, strips = draw_graph(found), draw_seams(found, 3)
    assert graph.dtype == strips.dtype == np.uint8
    bare = Avatar(tmp_path, small, found.clips, {})
    assert (graph[:300] != draw_graph(bare)[:300]).any()
    assert strips[:, 190:].std() > 20
    assert draw_seams(bare).shape[2] == 3
