from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.errors import AvatarError, StorageError
from appliance.faces import mesh, track
from tests.faces import drawn


def test_the_similarity_is_found_whatever_the_mouth_does() -> None:
    template = track.average([drawn.points(0.0)])
    assert template is not None
    turn = 1.2 * np.exp(0.3j)
    for open_ in (0.0, 0.4):
        moved = mesh.as_complex(drawn.points(open_, 30 + 50j, turn))
        a, b = mesh.fit(template, mesh.still_points(moved))
        assert a == pytest.approx(drawn.EYES * turn, abs=1e-4)
        assert b == pytest.approx(30 + 50j, abs=1e-4)
        apart, across = mesh.mouth_of(moved, abs(a))
        assert apart == pytest.approx(open_, abs=1e-5)
        assert across == pytest.approx(0.6, abs=1e-5)


def test_gaps_are_bridged_and_long_ones_are_not() -> None:
    template = track.average([drawn.points()])
    assert template is not None
    found = [None, drawn.points(at=20 + 40j), None, None, drawn.points(at=26 + 40j)]
    face = track.face_of([*found, *[None] * 9, drawn.points()], template)
    assert face.at(0) is None
    assert face.at(-1) is None
    assert face.at(99) is None
    assert face.at(8) is None
    assert face.at(14) is not None
    middles = [face.at(n) for n in range(1, 5)]
    steps = np.diff([one[1].real for one in middles if one is not None])
    assert len(steps) == 3
    assert (steps > 0.5).all()


def test_jitter_is_smoothed_without_lag() -> None:
    template = track.average([drawn.points()])
    assert template is not None
    noise = np.random.default_rng(1).normal(0, 1, 60)
    where = [complex(20 + n + noise[n], 40) for n in range(60)]
    face = track.face_of([drawn.points(at=one) for one in where], template)
    off = face.place[5:-5, 1].real - (20 + np.arange(60)[5:-5])
    assert off.std() < 0.65 * noise.std()
    assert abs(off.mean()) < 0.3


def test_written_and_read(tmp_path: Path) -> None:
    faces = {"idle": drawn.face((0.0, 0.2)), "talk": drawn.face((0.1,))}
    path = tmp_path / "faces.npz"
    track.save_faces(path, faces, {"idle": "one", "talk": "two"})
    # A clip that was made anew has no face until it is looked for again.
    read = track.load_faces(path, {"idle": "one", "talk": "another", "wave": "three"})
    assert set(read) == {"idle"}
    for name in ("place", "mouth", "turn"):
        assert np.array_equal(getattr(read["idle"], name), getattr(faces["idle"], name))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["faces.npz"]


def test_broken_files_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "faces.npz"
    for data in (b"", b"PK\3\4 and no more", b"no archive"):
        path.write_bytes(data)
        with pytest.raises(AvatarError, match=r"make the avatar again: mattebox avatar make"):
            track.load_faces(path, {})
    np.savez(path, version=np.array(7))
    with pytest.raises(AvatarError, match=r"of version 7, expected 1"):
        track.load_faces(path, {})
    np.savez(path, **{"version": np.array(1), "face/a": np.zeros(3), "digest/a": np.array("x")})
    with pytest.raises(AvatarError, match=r"the face of a: float64 \(3,\), expected float64"):
        track.load_faces(path, {"a": "x"})
    with pytest.raises(AvatarError, match="cannot be read"):
        track.load_faces(tmp_path / "none.npz", {})
    with pytest.raises(StorageError, match="make room"):
        track.save_faces(tmp_path / "no folder" / "faces.npz", {}, {})
