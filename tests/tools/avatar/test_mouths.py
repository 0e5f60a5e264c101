"""Mouths cut out of drawn clips; the networks' answers are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.avatars.avatar import AvatarManifest
from appliance.errors import MissingDependency
from appliance.faces.bank import Bank, load_bank
from appliance.faces.track import load_faces
from appliance.media.frame import F32, U8, Colour
from appliance.tools.avatar import mouths
from appliance.tools.bench.progress import no_tick
from appliance.voices.base import VISEMES, Mark
from tests.faces import drawn


class Tracker:
    """Knows the drawn face: the darker the mouth, the further it is open."""

    shut = False

    def __init__(self, *_: object) -> None:
        pass

    def reset(self) -> None:
        pass

    def __call__(self, y: U8, uv: U8, colour: Colour) -> F32 | None:
        x = int(drawn.AT[0])
        dark = int((y[:, x] < 80).sum())
        return drawn.points(0.0 if self.shut else dark / drawn.EYES)


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mouths, "load_face", lambda: (None, None))
    monkeypatch.setattr(mouths, "FaceTracker", Tracker)


def made(
    folder: Path, marks: dict[str, list[Mark]] | None = None
) -> tuple[AvatarManifest, list[str]]:
    told: list[str] = []
    manifest = mouths.make_mouths(folder, drawn.write_clips(folder), no_tick, told.append, marks)
    return manifest, told


def bank_of(folder: Path) -> Bank:
    return load_bank(folder / "mouths.npz")


@pytest.mark.usefixtures("tracked")
def test_mouths_are_tagged_by_their_looks(tmp_path: Path) -> None:
    manifest, told = made(tmp_path)
    assert told == ["10 mouths, tagged by how they look"]
    assert (manifest.faces, manifest.mouths) == ("faces.npz", "mouths.npz")
    bank = bank_of(tmp_path)
    assert not bank.spoken
    # All of the talking clip, none of the idle one.
    assert bank.origin.tolist() == [[1, n] for n in range(len(drawn.OPENNESS))]
    assert VISEMES[bank.viseme[0]] == "PP"
    assert VISEMES[bank.viseme[4]] == "aa"
    assert bank.shape[0, 0] < 0.1 < 0.9 < bank.shape[4, 0]
    # In a mouth's own picture the face's place names the mouth's middle, which is dark when open.
    a, b = bank.place[4]
    middle = a * 0.78j + b
    assert bank.y[4][int(middle.imag), int(middle.real)] == drawn.MOUTH
    assert bank.light[4] == pytest.approx(drawn.SKIN, abs=12)
    digests = {clip.name: clip.digest for clip in manifest.clips}
    assert set(load_faces(tmp_path / "faces.npz", digests)) == {"idle", "talk"}


@pytest.mark.usefixtures("tracked")
def test_mouths_are_tagged_by_what_is_said(tmp_path: Path) -> None:
    marks = [Mark(0, "viseme", "sil"), Mark(80, "viseme", "E"), Mark(240, "viseme", "PP")]
    _, told = made(tmp_path, {"talk": marks})
    assert told == ["10 mouths, tagged by what is said"]
    bank = bank_of(tmp_path)
    assert bank.spoken
    assert [VISEMES[v] for v in bank.viseme] == ["sil"] * 2 + ["E"] * 4 + ["PP"] * 4


@pytest.mark.usefixtures("tracked")
def test_at_most_so_many_and_the_most_unlike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.faces.bank.MOST", 3)
    made(tmp_path)
    opens = sorted(drawn.OPENNESS[frame] for _, frame in bank_of(tmp_path).origin.tolist())
    assert opens[0] == 0.0
    assert opens[-1] == 0.3
    assert len(set(opens)) == 3


@pytest.mark.usefixtures("tracked")
def test_a_shut_mouth_gives_no_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tracker, "shut", True)
    manifest, told = made(tmp_path)
    assert manifest.mouths == ""
    assert manifest.faces == "faces.npz"
    assert "the mouth stays as it is in talk; film the avatar speaking" in told[0]


@pytest.mark.usefixtures("tracked")
def test_no_face_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tracker, "__call__", lambda *_: None)
    manifest, told = made(tmp_path)
    assert (manifest.faces, manifest.mouths) == ("", "")
    assert told == ["no mouths: no face was found in any clip"]


def test_without_the_network_it_says_how_to_get_it(tmp_path: Path) -> None:
    manifest, told = made(tmp_path)
    assert (manifest.faces, manifest.mouths) == ("", "")
    assert "get it once with: mattebox model add face" in told[0]


def test_a_missing_network_is_no_error_of_its_own() -> None:
    with pytest.raises(MissingDependency, match="mattebox model add face"):
        mouths.load_face("face-that-is-not-there")


def test_large_mouths_are_stored_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.avatars.clip import ClipFrame
    from appliance.faces import bank, region
    from appliance.media.frame import Rect

    y, uv = drawn.picture(0.3)
    frame = ClipFrame(y, uv, np.full_like(y, 255), Rect(0, 0, drawn.SIZE, drawn.SIZE))
    place = (complex(drawn.EYES), complex(*drawn.AT))
    whole = bank.cut(frame, place, region.mask_texture())
    monkeypatch.setattr(bank, "MOST_SIDE", 20)
    small = bank.cut(frame, place, region.mask_texture())
    assert whole is not None
    assert small is not None
    assert max(small.y.shape) <= 20 < max(whole.y.shape)
    for one in (whole, small):
        middle = one.place[0] * 0.78j + one.place[1]
        assert one.y[int(middle.imag), int(middle.real)] < 70
    # At the picture's edge, or where it is not the person's, there is none.
    assert bank.cut(frame, (place[0], complex(10, 44)), region.mask_texture()) is None
    bare = ClipFrame(y, uv, np.zeros_like(y), frame.rect)
    assert bank.cut(bare, place, region.mask_texture()) is None
