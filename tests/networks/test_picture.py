"""A network that paints: its picture as its manifest says, and what cannot be one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import MattingSettings
from appliance.errors import ModelError
from appliance.media.frame import Colour, Range
from appliance.media.rgb import matrix_of
from appliance.networks.choose import choose_network
from appliance.networks.manifest import load_manifest
from appliance.networks.picture import PictureNetwork
from tests.networks.painter import painting_network


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_the_picture_comes_back_painted(tmp_path: Path, layout: str, order: str) -> None:
    network = PictureNetwork(
        *load_manifest(painting_network(tmp_path, layout=layout, order=order), task="picture"),
        threads=1,
    )
    assert network.size == (64, 36)
    for colour in (Colour(), Colour(range=Range.FULL)):
        matrix, offset = matrix_of(colour)
        rgb = np.random.default_rng(1).uniform(0, 255, (3, 36, 64))
        there, opposite = (
            np.tensordot(matrix, each, 1) + offset[:, None, None] for each in (rgb, 255 - rgb)
        )
        painted = network(there.astype(np.float32), colour)
        assert np.abs(painted - opposite).max() < 0.05


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"task": "alpha"},
            r"manifest\.yaml: task: found alpha",
        ),
        ({"channels": 1}, r"output 'painted' has 1 channel\(s\), expected the 3"),
    ],
)
def test_what_is_no_painter(tmp_path: Path, options: dict[str, object], says: str) -> None:
    manifest = painting_network(tmp_path, **options)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=says):
        PictureNetwork(*load_manifest(manifest, task="picture"))


def test_a_painter_cuts_nobody_out(tmp_path: Path) -> None:
    """Its red channel, taken for alpha, would show the room."""
    settings = MattingSettings(model=str(painting_network(tmp_path)), runtime="onnxruntime")
    with pytest.raises(ModelError, match=r"manifest\.yaml: task: found picture"):
        choose_network(settings)


def test_infinities_are_refused(tmp_path: Path) -> None:
    network = PictureNetwork(
        *load_manifest(painting_network(tmp_path, divide=True), task="picture"), threads=1
    )
    with pytest.raises(ModelError, match="NaN or infinities"):
        network(np.full((3, 36, 64), 90, np.float32), Colour())
