"""Calibration: too soft becomes steeper, too small becomes larger, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch lives only in the export environment")

from export.calibration import GAINS, OFFSETS, CalibrationScene, fitted, folded, judged  # noqa: E402
from export.cli import main  # noqa: E402
from export.data.pack import Entry, PackWriter  # noqa: E402
from export.network.matting_network import PORTRAIT, MattingNetwork  # noqa: E402
from export.training import checkpoint  # noqa: E402
from export.training.muon import Optimiser  # noqa: E402
from tests.export.test_data import person  # noqa: E402

WIDTH, HEIGHT = 96, 64


def disc(x: float, radius: float) -> np.ndarray:
    """A true alpha, float32 (HEIGHT, WIDTH), with an edge soft enough for half the size."""
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    away = np.hypot(columns - x, rows - HEIGHT / 2)
    return (1 / (1 + np.exp((away - radius) / 2))).astype(np.float32)


def seen(blur: float, offset: float = 0.0) -> list[CalibrationScene]:
    """Scenes of a disc on the move, as a network saw them that is unsure where the edge is."""
    made = []
    for x in (30.0, 44.0, 60.0):
        alphas = np.stack([disc(x, 18), disc(x + 2, 18)])
        size = (WIDTH // 2, HEIGHT // 2)
        small = [cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) for alpha in alphas]
        soft = np.stack([cv2.GaussianBlur(alpha, (0, 0), blur) for alpha in small])
        soft = np.clip(soft, 1e-6, 1 - 1e-6)
        made.append(
            CalibrationScene((np.log(soft / (1 - soft)) + offset).astype(np.float32), alphas)
        )
    return made


def test_the_softer_the_matte_the_higher_the_gain() -> None:
    gains = []
    for blur in (0.2, 1.5, 3.0):
        before, after = fitted(seen(blur))
        assert after.cost <= before.cost
        gains.append(after.gain)
    assert gains[0] == GAINS[0]
    assert gains == sorted(gains)
    assert gains[-1] > gains[0]


@pytest.mark.parametrize("offset", [offset for offset in OFFSETS if offset])
def test_an_offset_is_taken_back(offset: float) -> None:
    before, after = fitted(seen(0.2, -offset))
    assert (after.gain, after.offset) == (1.0, offset)
    assert after.mad < before.mad


def test_a_still_scene_has_a_cost_all_the_same() -> None:
    (scene, *_) = seen(0.8)
    still = CalibrationScene(scene.logits[[0, 0]], scene.alphas[[0, 0]])
    found = judged([still], 1.4, 0.0)
    assert found.dtssd == 0
    assert 0 < found.cost < np.inf


def test_folded_weights_give_the_changed_logits() -> None:
    torch.manual_seed(3)
    network = MattingNetwork(PORTRAIT).eval()
    image = torch.rand(1, 3, PORTRAIT.height, PORTRAIT.width) * 2 - 1
    with torch.no_grad():
        before = network.forward_logits(image)
        network.load_state_dict(folded(network.state_dict(), 1.7, 0.4))
        after = network.forward_logits(image)
    assert torch.allclose(after, 1.7 * before + 0.4, atol=1e-5)


def test_the_verb_writes_a_checkpoint_that_can_be_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = MattingNetwork(PORTRAIT)
    optimiser = Optimiser(network, rate=1e-3)
    average = checkpoint.MovingAverage(network, 0.9)
    source, out = tmp_path / "portrait.pt", tmp_path / "calibrated.pt"
    checkpoint.save(source, "portrait", network, average, optimiser, checkpoint.Progress(5))
    verb = [
        "--work", str(tmp_path), "calibrate", str(source), "--out", str(out), "--scenes", "2",
    ]  # fmt: skip
    assert main(verb) == 2
    assert "no packed data set there" in " ".join(capsys.readouterr().err.split())
    with PackWriter(tmp_path / "train.zip") as writer:
        writer.add(Entry("p", "portrait", "p", 1.0), *person(0))
        writer.add(Entry("b", "background", "", 1.0), person(9)[0])
    assert main(verb) == 0
    assert "before: gain 1, offset 0: MAD" in " ".join(capsys.readouterr().err.split())
    state = checkpoint.load(out, "portrait")
    assert state["progress"]["step"] == 5
    assert state["optimiser"] is None
    head = "decoder.head.weight"
    ratio = state["average"][head] / average.state[head]
    gain = min(GAINS, key=lambda gain: abs(gain - float(ratio.median())))
    assert torch.allclose(state["average"][head], gain * average.state[head])
