"""The soak in short: most kinds of fault once, in seconds. ``make soak`` is the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.system import log
from tests.faults.stand_ins import Resources
from tests.patience import promised
from tests.soak.faults import FAULTS
from tests.soak.run import Report, soak

# What takes a second or more, and has a test of its own.
SLOW = {
    "reload: file saved", "process stopped for a while", "output stalls", "network inf",
    "camera silent", "source slower than it says", "network ones", "network throws",
    "rtsp reader that never reads",
}  # fmt: skip


def test_a_short_soak(tmp_path: Path) -> None:
    # As it is in the program: a line that a full disk does not take is lost, and no more.
    log.configure("error")
    kinds = sorted(set(FAULTS) - SLOW)
    report = soak(
        tmp_path, seed=7, frames=300, every=5, kinds=kinds, brisk=True,
        # Encoders and decoders are loaded for the first time.
        most_growth_kb=150_000,
        # Three seconds are what make soak asks for; here it is that all come back at all.
        budget_s=promised(6),
    )  # fmt: skip
    assert not report.wrong, report.text()
    assert set(report.recoveries) == set(kinds)
    assert report.composites >= 300
    assert report.placeholders > 0
    assert len(report.resources) == 2


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (Resources(100_000, 30, 10), "descriptors grew from 20 to 30"),
        (Resources(100_000, 20, 20), "threads grew from 10 to 20"),
        (Resources(125_000, 20, 10), "resident memory grew from 100000 kB to 125000 kB"),
    ],
)
def test_a_leak_is_told(last: Resources, words: str) -> None:
    report = Report(7, 100, composites=100)
    report.resources = [(n, Resources(100_000, 20, 10)) for n in range(9)] + [(100, last)]
    report.judge(20_000)
    [wrong] = report.wrong
    assert wrong.startswith(words)
    assert f"WRONG: {words}" in report.text()


def test_a_late_recovery_is_told() -> None:
    report = Report(7, 100, composites=99)
    report.resources = [(0, Resources(1, 1, 1))]
    report.recoveries["camera unplugged"] += [0.5, 3.4]
    report.judge(20_000)
    assert report.wrong == [
        "camera unplugged: back after 3.40 s; 3 s is the budget",
        "99 composites of 100",
    ]
