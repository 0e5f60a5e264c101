"""A network that gives the picture between two: its inputs, its picture, and what cannot be one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.errors import ModelError
from appliance.media.frame import Colour, Range
from appliance.media.rgb import matrix_of
from appliance.networks.between import load_between
from tests.networks.blender import blending_network


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_the_picture_between(tmp_path: Path, layout: str, order: str) -> None:
    """Three quarters of the later one: the two are not confused."""
    manifest = blending_network(tmp_path, layout=layout, order=order, later=0.75)
    network = load_between(str(manifest), threads=1)
    assert network.size == (64, 48)
    rng = np.random.default_rng(1)
    for colour in (Colour(), Colour(range=Range.FULL)):
        matrix, offset = matrix_of(colour)
        both = np.empty((2, 4, 48, 64), np.float32)
        for picture in both:
            rgb = rng.uniform(0, 255, (3, 48, 64))
            picture[:3] = np.tensordot(matrix, rgb, 1) + offset[:, None, None]
            picture[3] = rng.uniform(0, 255, (48, 64))
        made = network(both[0], both[1], colour)
        assert np.abs(made - (0.25 * both[0] + 0.75 * both[1])).max() < 0.05


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"task": "flow"}, r"manifest\.yaml: task: found flow"),
        ({"channels": 3}, r"expected two inputs, 'picture' and 'before', both .*\[1, 4, 48, 64\]"),
        ({"previous": "last"}, r"expected two inputs, 'picture' and 'last'"),
        ({"previous": "picture"}, "expected two inputs"),
        ({"previous": ""}, "expected previous: NAME"),
        ({"gain": 0.0}, "a first run failed: blender: gave .* with NaN"),
    ],
)
def test_what_gives_nothing_between(tmp_path: Path, options: dict[str, object], says: str) -> None:
    manifest = blending_network(tmp_path, **options)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=says):
        load_between(str(manifest))
