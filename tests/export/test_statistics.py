"""Averaged weights get new batch norm statistics, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch lives only in the export environment")

from export.cli import main  # noqa: E402
from export.data.pack import Entry, PackWriter  # noqa: E402
from export.network.matting_network import PORTRAIT, MattingNetwork  # noqa: E402
from export.training import checkpoint  # noqa: E402
from export.training.statistics import with_new_statistics  # noqa: E402
from tests.export.test_data import person  # noqa: E402

_COLLECTED = ("running_mean", "running_var", "num_batches_tracked")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    with PackWriter(tmp_path / "train.zip") as writer:
        writer.add(Entry("p", "portrait", "p", 1.0), *person(0))
        writer.add(Entry("b", "background", "", 1.0), person(9)[0])
    return tmp_path


def test_statistics_are_those_of_what_passes(work: Path) -> None:
    torch.manual_seed(1)
    weights = MattingNetwork(PORTRAIT).state_dict()
    made = with_new_statistics(weights, "portrait", work / "train.zip", 31)
    for name, value in made.items():
        if not name.endswith(_COLLECTED):
            assert torch.equal(value, weights[name])
        elif name.endswith("num_batches_tracked"):
            assert value.item() == 1  # 31 scenes make one whole batch
    moved = [n for n, value in made.items() if not torch.equal(value, weights[n])]
    assert any(name.endswith("running_var") for name in moved)
    more = with_new_statistics(weights, "portrait", work / "train.zip", 32)
    first = next(name for name in moved if name.endswith("running_mean"))
    assert not torch.equal(more[first], made[first])
    with pytest.raises(ValueError, match="at least 16 expected"):
        with_new_statistics(weights, "portrait", work / "train.zip", 15)


def test_the_verb_collects_them_unless_told_not_to(work: Path) -> None:
    sources = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = {"setting": "portrait", "average": MattingNetwork(PORTRAIT).state_dict()}
        sources.append(str(work / f"{seed}.pt"))
        torch.save(state | {"progress": {}}, sources[-1])
    made = {}
    for scenes in ("0", "16"):
        out = work / f"mean-{scenes}.pt"
        verb = ["average", *sources, "--out", str(out), "--statistics", scenes]
        assert main(["--work", str(work), *verb]) == 0
        made[scenes] = checkpoint.load(out, "portrait")["average"]
    for name, value in made["0"].items():
        if not name.endswith(_COLLECTED):
            assert torch.equal(value, made["16"][name])
    batch = next(name for name in made["0"] if name.endswith("running_var"))
    assert torch.equal(made["0"][batch], torch.ones_like(made["0"][batch]))
    assert not torch.equal(made["16"][batch], made["0"][batch])
