"""Seats under cutouts: from the pack to the scene, in the picture and never in the matte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.data.material import load_material
from export.data.pack import Entry, PackWriter, read_pack, read_seated, read_weighted
from export.images import UInt8Image
from export.synthesis import scene
from export.synthesis.clothes import dressed
from export.synthesis.people import Person, prepare
from export.synthesis.placing import Placed, mirrored, render, render_seat
from export.synthesis.scene import Material, compose_pair

_SEAT = (10, 200, 250)


def _sitter() -> tuple[UInt8Image, UInt8Image, UInt8Image]:
    """A red person in the middle on a yellow seat that is wider and reaches to the right."""
    foreground = np.full((120, 100, 3), (20, 30, 180), np.uint8)
    alpha = np.zeros((120, 100), np.uint8)
    alpha[10:110, 30:60] = 255
    behind = np.zeros((120, 100, 4), np.uint8)
    behind[...] = (*_SEAT, 0)
    behind[60:112, 40:90, 3] = 255
    return foreground, alpha, behind


def test_seats_in_a_pack(tmp_path: Path) -> None:
    foreground, alpha, behind = _sitter()
    with PackWriter(tmp_path / "pack.zip") as pack:
        pack.add(Entry("a", "figure", "a", 1.0), foreground, alpha, behind=behind)
        pack.add(Entry("b", "figure", "b", 1.0), foreground, alpha)
        pack.add(Entry("c", "background", "", 1.0), foreground)
    found = {
        entry.name: (matte, seat) for entry, _, matte, seat in read_seated(tmp_path / "pack.zip")
    }
    np.testing.assert_array_equal(found["a"][1], behind)
    assert found["b"][1] is None
    assert found["c"] == (None, None)
    assert [entry.name for entry, _, _ in read_pack(tmp_path / "pack.zip")] == ["a", "b", "c"]
    assert all(weight is None for *_, weight in read_weighted(tmp_path / "pack.zip"))
    people = load_material(tmp_path / "pack.zip", 64).people[0]
    assert [person.behind is None for person in people] == [False, True]


@pytest.mark.parametrize("kind", ["figure", "half-figure"])
def test_a_prepared_person_keeps_the_whole_seat(kind: str) -> None:
    made = prepare(*_sitter()[:2], kind, 120, _sitter()[2])
    assert made.behind is not None
    assert made.behind.shape == (*made.alpha.shape, 4)
    seat = made.behind[:120, :, 3] > 127
    # Before it is scaled, 50 columns of 64 that are kept.
    assert abs(seat.any(axis=0).mean() - 50 / 64) < 0.05
    left, _, right, _ = made.head
    assert abs((right - left) / made.alpha.shape[1] - 30 / 64) < 0.05  # the person's own
    assert (made.alpha.shape[0] > 120) == (kind == "half-figure")


def test_mirror_and_clothes_keep_the_seat() -> None:
    made = prepare(*_sitter()[:2], "figure", 120, _sitter()[2])
    assert made.behind is not None
    turned = next(
        other
        for other in (mirrored(np.random.default_rng(k), made) for k in range(20))
        if other is not made
    )
    np.testing.assert_array_equal(turned.behind, made.behind[:, ::-1])
    photos = [np.full((64, 64, 3), 128, np.uint8)]
    np.testing.assert_array_equal(
        dressed(np.random.default_rng(1), made, photos).behind, made.behind
    )


def _placed(person: Person, shift: float) -> Placed:
    table = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    pose = np.array([[1, 0, shift], [0, 1, 0]], np.float32)
    return Placed(person, [pose, pose], table, None, [], (0, 0.0))


def test_the_seat_is_warped_as_the_person_is() -> None:
    made = prepare(*_sitter()[:2], "figure", 120, _sitter()[2])
    placed = _placed(made, 20)
    _, matte = render(placed, 0, 160, 120)
    shown = render_seat(placed, 0, 160, 120)
    assert shown is not None
    colour, cover = shown
    assert colour.shape == (120, 160, 3)
    _, xs = np.nonzero(matte > 0.5)
    _, seat_xs = np.nonzero(cover > 0.5)
    assert xs.min() < seat_xs.min() < xs.max() < seat_xs.max()
    np.testing.assert_allclose(colour[cover > 0.99].mean(axis=0), _SEAT, atol=2)
    alone = _placed(prepare(*_sitter()[:2], "figure", 120), 20)
    assert render_seat(alone, 0, 160, 120) is None


def test_a_seat_is_seen_and_is_not_of_the_matte(monkeypatch: pytest.MonkeyPatch) -> None:
    """One farther back stands behind the seat of one in front: the seat hides them."""
    made = prepare(*_sitter()[:2], "figure", 120, _sitter()[2])
    back = Person(made.foreground, np.full_like(made.alpha, 255), 120, made.head, upright=True)
    crowd = iter([_placed(back, 0), _placed(made, 0)])
    monkeypatch.setattr(scene, "_people_count", lambda rng: 2)
    monkeypatch.setattr(scene, "place", lambda *args: next(crowd))
    monkeypatch.setattr(scene, "shoot", lambda rng, camera, picture: picture.astype(np.uint8))
    monkeypatch.setattr(scene, "_bars", lambda rng, width, height: (0, height, 0, width))
    material = Material([[made]], [1.0], [np.full((64, 64, 3), 128, np.uint8)])
    width = made.alpha.shape[1]
    # A seed whose scene has no things in the persons' colours, and no cast shadow.
    frames, alphas = compose_pair(np.random.default_rng(2), material, width, 120, moments=1)
    assert made.behind is not None
    beside = (made.behind[:120, :, 3] == 255) & (made.alpha[:120] == 0)
    assert (alphas[0][beside] == 0).all()
    assert (alphas[0][made.alpha[:120] == 255] == 255).all()
    assert (alphas[0][:40] == 255).all()  # above the seat there is the one behind
    np.testing.assert_allclose(np.median(frames[0][beside], axis=0), _SEAT, atol=12)
