"""A few steps of training: it saves, resumes where it stopped, and says when it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch lives only in the export environment")

from export.cli import main  # noqa: E402
from export.data.pack import Entry, PackWriter  # noqa: E402
from export.network.matting_network import PORTRAIT, PORTRAIT_LARGE  # noqa: E402
from export.training import checkpoint  # noqa: E402
from export.training.loop import train  # noqa: E402
from export.training.memory import keep_freed_memory  # noqa: E402
from export.training.plan import Phase, TrainingPlan, phase, rate  # noqa: E402
from export.training.ranks import Ranks, together  # noqa: E402
from export.training.stream import batches, to_tensor  # noqa: E402
from tests.export.test_data import person  # noqa: E402


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "train.zip"
    with PackWriter(path) as writer:
        writer.add(Entry("p", "portrait", "p", 1.0), *person(0))
        writer.add(Entry("b", "background", "", 1.0), person(9)[0])
    return path


def test_train_and_resume(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*_: object) -> object:
        return lambda _network: {"iou": 0.5, "mad": 1.0}

    monkeypatch.setattr("export.training.loop.Validation", small)
    plan = TrainingPlan(
        "portrait", pack, pack, tmp_path, steps=2, pairs=1, workers=0, save_every=1, early=0.5
    )
    path = train(plan)
    first = checkpoint.load(path, "portrait")
    assert first["progress"]["step"] == 2
    path = train(TrainingPlan(**{**vars(plan), "steps": 3}))
    second = checkpoint.load(path, "portrait")
    assert second["progress"]["step"] == 3
    # One step of three small single frames (8/3 a pair), then pairs, one a step.
    assert first["progress"]["scenes"] == 3 + 1
    changed = [k for k, v in second["network"].items() if not torch.equal(v, first["network"][k])]
    assert changed
    lines = (tmp_path / "portrait.metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
    assert cv2.imread(str(tmp_path / "portrait.metrics.png")) is not None
    # Weights of an earlier run start a new one.
    start = tmp_path / "start"
    train(TrainingPlan(**{**vars(plan), "steps": 1, "work": start, "start": path}))
    assert checkpoint.load(start / "portrait.pt", "portrait")["progress"]["step"] == 1


def test_a_resumed_stream_goes_on_where_it_stopped(pack: Path) -> None:
    whole = batches(pack, 64, 32, 1, seed=5, start=0, workers=0)
    later = batches(pack, 64, 32, 1, seed=5, start=2, workers=0)
    for _ in range(2):
        next(whole)
    for ours, theirs in zip(next(whole), next(later), strict=True):
        assert torch.equal(ours, theirs)


def test_two_processes_share_a_stream_between_them(pack: Path) -> None:
    whole = batches(pack, 64, 32, 1, seed=5, start=0, workers=0)
    shares = [batches(pack, 64, 32, 1, seed=5, start=r, workers=0, stride=2) for r in range(2)]
    for scene in range(4):
        for ours, theirs in zip(next(whole), next(shares[scene % 2]), strict=True):
            assert torch.equal(ours, theirs)


def _meet(folder: Path, ranks: Ranks) -> None:
    """What a rank does in the test below, in a process of its own."""
    layer = torch.nn.Linear(2, 1)
    layer.weight.grad = torch.full((1, 2), float(ranks.rank))
    layer.bias.grad = torch.full((1,), 10.0 + ranks.rank)
    ranks.average_gradients(layer.parameters())
    told = [*layer.weight.grad[0].tolist(), layer.bias.grad.item(), ranks.agree(5.0 + ranks.rank)]
    (folder / f"{ranks.rank}.json").write_text(json.dumps(told))


def test_ranks_average_their_gradients_and_take_the_firsts_clock(tmp_path: Path) -> None:
    together(2, _meet, tmp_path)
    for rank in range(2):
        assert json.loads((tmp_path / f"{rank}.json").read_text()) == [0.5, 0.5, 10.5, 5.0]


def _wait(folder: Path, ranks: Ranks) -> None:
    """Says that it is there, and stays."""
    (folder / f"{ranks.rank}.pid").write_text(str(os.getpid()))
    threading.Event().wait(120)


_PARENT = """
import signal, sys
from pathlib import Path
from export.training.ranks import together
from tests.export.test_training import _wait

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    together(2, _wait, Path(sys.argv[1]))
"""


def test_no_rank_outlives_the_program(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment) as parent:
        deadline = time.monotonic() + 50
        while len(pids := [*tmp_path.glob("*.pid")]) < 2 or not all(p.read_text() for p in pids):
            assert time.monotonic() < deadline, "the ranks did not start"
            assert parent.poll() is None
            time.sleep(0.05)
        parent.terminate()
        parent.wait(20)
    ranks = [Path("/proc") / p.read_text() for p in pids]
    while any(path.exists() for path in ranks):
        assert time.monotonic() < deadline, "ranks are left"
        time.sleep(0.05)


def test_alone_nothing_is_exchanged(tmp_path: Path) -> None:
    together(1, _meet, tmp_path)
    assert json.loads((tmp_path / "0.json").read_text()) == [0.0, 0.0, 10.0, 5.0]


def test_scenes_that_do_not_divide_are_refused() -> None:
    assert Ranks(1, 2).share(12) == 6
    with pytest.raises(ValueError, match="7 scenes a step cannot be shared by 2 processes"):
        Ranks(1, 2).share(7)


def test_a_run_that_cannot_be_shared_is_refused_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = ["--work", str(tmp_path), "train", "--processes", "2"]
    assert main([*work, "--pairs", "7"]) == 2
    assert "cannot be shared by 2 processes" in " ".join(capsys.readouterr().err.split())
    assert main([*work, "--setting", "landscape"]) == 2
    assert "'landscape' unknown" in " ".join(capsys.readouterr().err.split())


def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(*_: object) -> None:
        raise ModuleNotFoundError("Anny is not there; run 'make export-setup'")

    monkeypatch.setattr("export.labels.build.build_packs", build)
    assert main(["label"]) == 2
    assert "run 'make export-setup'" in " ".join(capsys.readouterr().err.split())


def test_two_processes_train_one_network(pack: Path, tmp_path: Path) -> None:
    plan = TrainingPlan(
        "portrait", pack, pack, tmp_path, steps=2, pairs=6, workers=0, save_every=2, early=0.5,
        processes=2,
    )  # fmt: skip
    state = checkpoint.load(train(plan), "portrait")
    assert state["progress"]["step"] == 2
    assert state["progress"]["scenes"] == 16 + 6


def test_pixels_to_tensor() -> None:
    frame = np.zeros((2, 4, 6, 3), np.uint8)
    frame[..., 0] = 255  # blue, in OpenCV's order
    tensor = to_tensor(frame)
    assert tensor.shape == (2, 3, 4, 6)
    assert tensor[:, 2].eq(1).all()
    assert tensor[:, 0].eq(-1).all()


def test_average_follows_the_network() -> None:
    layer = torch.nn.Linear(1, 1)
    average = checkpoint.MovingAverage(layer, 0.5)
    with torch.no_grad():
        layer.weight.fill_(average.state["weight"].item() + 1)
    before = average.state["weight"].item()
    average.update(layer, step=10_000)
    assert average.state["weight"].item() == pytest.approx(before + 0.5)


def test_memory_is_kept_or_said_not_to_be() -> None:
    assert isinstance(keep_freed_memory(), bool)


def test_phases_and_rate() -> None:
    plan = TrainingPlan("portrait", Path("p"), Path("v"), Path("w"), steps=1000, pairs=12, rate=1.0)
    first, last = checkpoint.Progress(step=0), checkpoint.Progress(step=700)
    assert phase(plan, PORTRAIT, first) == Phase(208, 112, 1, 32)
    assert phase(plan, PORTRAIT_LARGE, first) == Phase(352, 208, 1, 32)
    assert phase(plan, PORTRAIT, last) == Phase(288, 160, 2, 12)
    assert rate(plan, first) == pytest.approx(1 / 200)
    assert rate(plan, checkpoint.Progress(step=500)) == pytest.approx(0.51)
    assert rate(plan, checkpoint.Progress(step=1000)) == pytest.approx(0.02)
    by_clock = TrainingPlan("portrait", Path("p"), Path("v"), Path("w"), minutes=10)
    assert phase(by_clock, PORTRAIT, checkpoint.Progress(seconds=500)).moments == 2


def test_the_mean_of_checkpoints(tmp_path: Path) -> None:
    paths = []
    for number, value in enumerate((1.0, 2.0, 6.0)):
        average = {"w": torch.full((2,), value), "n": torch.tensor(number)}
        path = tmp_path / f"{number}.pt"
        torch.save({"setting": "portrait", "average": average, "progress": {}}, path)
        paths.append(path)
    state = checkpoint.mean_of(paths, "portrait")
    assert state["average"]["w"].tolist() == [3.0, 3.0]
    assert state["average"]["n"].item() == 2
    assert state["average"]["w"].dtype == torch.float32
    out = tmp_path / "mean.pt"
    names = [str(path) for path in paths]
    plain = ["average", *names, "--statistics", "0", "--out", str(out)]
    assert main([*plain, "--shares", "2", "2", "1"]) == 0
    assert checkpoint.average_weights(out, "portrait")["w"].tolist() == pytest.approx([2.4, 2.4])
    assert main([*plain, "--shares", "1"]) == 2
