"""The shipped network: its manifest, its size, its output on frames that break networks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from appliance.networks.manifest import load_manifest
from export.evaluation.models import BareNetwork

FOLDER = Path(__file__).resolve().parents[2] / "engines" / "portrait"


@pytest.fixture(scope="module")
def network() -> BareNetwork:
    manifest, model = load_manifest(FOLDER / "manifest.yaml")
    return BareNetwork(manifest.name, manifest, model, threads=1)


def test_manifest_says_where_it_comes_from(network: BareNetwork) -> None:
    manifest = network.manifest
    assert manifest.name == "portrait"
    assert manifest.licence == "Apache-2.0"
    assert manifest.training["parameters"] <= 760_000
    assert manifest.figures, "the manifest must carry the figures of its evaluation"
    assert manifest.input.width % 16 == manifest.input.height % 16 == 0
    card = (FOLDER / "README.md").read_text()
    assert "fails" in card.lower()


def test_hard_frames_give_a_finite_alpha(network: BareNetwork) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (144, 256, 3)).astype(np.uint8)
    frames = {
        "black": np.zeros_like(noise), "white": np.full_like(noise, 255), "noise": noise,
        "saturated": np.where(noise > 127, 255, 0).astype(np.uint8),
    }  # fmt: skip
    for name, frame in frames.items():
        alpha = network.alpha(frame)
        assert np.isfinite(alpha).all(), name
        assert 0 <= alpha.min() <= alpha.max() <= 1, name
        assert alpha.mean() < 0.05, f"{name}: a person where there is none"


def test_fits_the_input_of_another_shape(network: BareNetwork) -> None:
    for height, width in ((480, 640), (1080, 1920), (640, 360), (100, 800)):
        alpha = network.alpha(np.zeros((height, width, 3), np.uint8))
        assert alpha.shape == (height, width)


def test_finds_a_person_it_never_saw(network: BareNetwork, shared_media: Path) -> None:
    image = cv2.imread(str(shared_media / "stills" / "astronaut.png"))
    assert image is not None
    alpha = network.alpha(np.ascontiguousarray(image[:288]))  # head and shoulders, 16:9
    assert alpha[80:170, 190:260].mean() > 0.9  # her face
    assert alpha[20:140, 300:380].mean() < 0.1  # the wall


def test_half_precision_agrees(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx lives only in the export environment")
    from export.evaluation.sets import save_clip
    from export.half import compare_half
    from export.labels.video import read_frames

    frames = read_frames(shared / "media" / "asl" / "eat.mkv", 0, 7)
    save_clip(tmp_path / "set" / "eat", frames, None)
    report = compare_half(FOLDER, tmp_path, count=8)
    assert report.passed, "\n".join(report.lines())
