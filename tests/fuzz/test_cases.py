"""What fuzzing has found stays fixed, and the fuzzer itself finds planted failures."""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import pytest

from tests.fuzz import TARGETS
from tests.fuzz.harness import Target, TooMuch, failure, fuzz, limited


def target(name: str) -> Target:
    """The target with this name."""
    found: Target = importlib.import_module(f"tests.fuzz.{name}").TARGET
    assert found.name == name
    return found


@pytest.mark.parametrize("name", TARGETS)
def test_cases_that_failed_once_fail_no_more(name: str) -> None:
    with target(name) as it:
        failed = {path.name: failure(it, path.read_bytes()) for path in it.cases()}
    assert not {name: text for name, text in failed.items() if text is not None}


@pytest.mark.parametrize("name", TARGETS)
def test_new_cases_are_made_from_the_seed_alone_and_pass(name: str) -> None:
    with target(name) as it:
        made = [it.generate(random.Random(seed)) for seed in range(20)]
        assert made == [it.generate(random.Random(seed)) for seed in range(20)]
        failed = [failure(it, case) for case in made]
    assert failed == [None] * 20


class _Fussy(Target):
    name = "fussy"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def generate(self, rng: random.Random) -> bytes:
        return rng.randbytes(100)

    def run(self, case: bytes) -> None:
        if b"\0" in case:
            raise ValueError("a zero")
        assert b"\xff" not in case, "found: 255"

    def folder(self) -> Path:
        return self._folder


def test_a_finding_is_made_small_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    fussy = _Fussy(tmp_path)
    assert fuzz(fussy, seconds=0.3, seed=1) == 2
    assert sorted(path.read_bytes() for path in fussy.cases()) == [b"\0", b"\xff"]
    assert "ValueError in test_cases.py:run" in capsys.readouterr().out


def test_too_much_time_and_memory_are_findings() -> None:
    def spin() -> None:
        while True:
            pass

    with pytest.raises(TooMuch, match="processor"), limited(cpu_s=0.05):
        spin()
    with pytest.raises(TooMuch, match="memory"), limited(growth_kb=10_000):
        # More than malloc ever takes from what was freed before (32 MB).
        bytearray(b"x") * 100_000_000
