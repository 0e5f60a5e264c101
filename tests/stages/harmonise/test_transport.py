"""The map between two pictures' colours: a known one is found again; limits hold."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.media.frame import Colour, Matrix, Range
from appliance.stages.harmonise.relit import light_of, relit
from appliance.stages.harmonise.transport import (
    LUMA_GAIN,
    SKIN_SHIFT,
    Colours,
    colours_of,
    eased,
    samples_of,
    transport,
)

LIMITED = Colour()
FULL = Colour(Matrix.BT601, Range.FULL)


def people(seed: int = 0, n: int = 4000) -> np.ndarray:
    """Colours as a person has them: skin, hair, clothes."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal((150, 108, 152), (22, 4, 5), (n, 3)),
        rng.normal((45, 126, 130), (14, 3, 3), (n // 2, 3)),
        rng.normal((110, 140, 118), (30, 6, 6), (n, 3)),
    ]
    return np.clip(np.vstack(parts), 0, 255).T.astype(np.float32)


KNOWN = np.array([[0.9, 0.08, -0.04, 12], [0.08, 0.95, 0.06, -9], [-0.04, 0.06, 1.1, -6]])
"""Symmetric and positive definite, as every map that moves the least is."""


def test_a_known_map_is_found_again() -> None:
    person = people()
    scene = (KNOWN[:, :3] @ person + KNOWN[:, 3:]).astype(np.float32)
    found = transport(colours_of(person), colours_of(scene))
    made = found[:, :3] @ person + found[:, 3:]
    assert np.abs(made - scene).max() < 0.5
    assert np.abs(scene - person).max() > 15


def test_a_known_map_is_found_in_8_bits_and_within_the_limits() -> None:
    person = np.round(people())
    scene = np.round(np.clip(KNOWN[:, :3] @ person + KNOWN[:, 3:], 0, 255)).astype(np.float32)
    aim = transport(colours_of(person), colours_of(scene))
    made = eased(aim, 1.0, colours_of(person), LIMITED)
    assert np.abs(made[:, :3] @ person + made[:, 3:] - scene).mean(axis=1).max() < 0.5


@pytest.mark.parametrize("colour", [LIMITED, FULL])
@pytest.mark.parametrize("scene", [(16, 128, 128), (235, 128, 128), (60, 200, 90), (120, 54, 34)])
def test_a_background_of_one_colour_leaves_a_person(
    colour: Colour, scene: tuple[int, int, int]
) -> None:
    samples = np.array(scene, np.float32)[:, None] + np.zeros((3, 500), np.float32)
    person = colours_of(people(), skin=True)
    light = light_of(samples, colour)
    for aim in (
        transport(person, colours_of(samples)),
        relit(float(person.mean[0]), 100.0, scene[0], light, colour),
    ):
        for strength in (0.0, 0.4, 1.0):
            made = eased(aim, strength, person, colour)
            assert np.isfinite(made).all()
            black = 16 if colour.range is Range.LIMITED else 0
            low, high = LUMA_GAIN
            gain = (made[0, :3] @ person.mean + made[0, 3] - black) / (person.mean[0] - black)
            assert low - 1e-3 <= gain <= high + 1e-3
            assert low - 1e-3 <= made[0, 0] <= high + 1e-3
            assert person.skin is not None
            moved = (made[:, :3] @ person.skin + made[:, 3])[1:] - person.skin[1:]
            assert np.hypot(*moved) <= SKIN_SHIFT + 0.01
            if strength == 0:
                assert np.abs(made - np.eye(3, 4)).max() < 1e-6


@pytest.mark.parametrize("colour", [LIMITED, FULL])
def test_neutral_light_has_no_tint_and_black_stays_black(colour: Colour) -> None:
    grey = np.array([[60, 120, 180], [128] * 3, [128] * 3], np.float32)
    assert np.abs(light_of(grey, colour) - 1).max() < 0.01
    warm = np.array([[60, 120, 180], [100] * 3, [150] * 3], np.float32)
    light = light_of(warm, colour)
    assert light[0] > 1.05 > 0.95 > light[2]
    made = relit(90.0, 110.0, 60.0, light, colour)
    black = np.array([16.0 if colour.range is Range.LIMITED else 0.0, 128, 128])
    assert np.abs(made[:, :3] @ black + made[:, 3] - black).max() < 1e-6


def test_who_wears_black_or_has_dark_skin_is_not_made_bright() -> None:
    light = np.ones(3)
    for scene in (60.0, 90.0, 120.0):
        assert np.abs(relit(60.0, 120.0, scene, light, FULL) - np.eye(3, 4)).max() < 1e-6
    assert relit(60.0, 120.0, 200.0, light, FULL)[0, 0] == pytest.approx(200 / 120)
    assert relit(60.0, 120.0, 30.0, light, FULL)[0, 0] == pytest.approx(0.5)


def test_green_leaves_are_not_green_light() -> None:
    leaves = np.array([[90, 110, 130], [100] * 3, [110] * 3], np.float32)
    light = light_of(leaves, FULL)
    # As the mean of the leaves it would be 1.85.
    assert light[1] / np.sqrt(light[0] * light[2]) < 1.25


def test_skin_of_any_tone_is_seen() -> None:
    for luma in (50, 100, 180):
        person = np.tile(np.array([[luma], [108], [150]], np.float32), (1, 400))
        assert colours_of(person, skin=True).skin is not None
    assert colours_of(people()[:, -300:], skin=True).skin is None
    assert isinstance(colours_of(people()), Colours)


def test_samples_are_columns_of_three() -> None:
    luma = np.arange(12, dtype=np.uint8).reshape(3, 4)
    chroma = np.dstack([luma + 100, luma + 200]).astype(np.uint8)
    assert samples_of(luma, chroma).tolist() == [
        [0, 2, 8, 10], [100, 102, 108, 110], [200, 202, 208, 210],
    ]  # fmt: skip
