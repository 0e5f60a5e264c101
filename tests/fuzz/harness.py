"""Runs one target: generates cases, tries them, minimises those that fail, and keeps them."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import signal
import sys
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType

CASES = Path(__file__).parent / "cases"
# Processor time, so that a busy machine causes no false findings.
CASE_CPU_S = 5.0
CASE_GROWTH_KB = 200_000
# Stop after this many distinct failures: that is enough to work on.
_ENOUGH = 10
_SHRINK_S = 10.0
_WIDTH = 300


class TooMuch(AssertionError):
    """A case took more time or memory than any case may."""


class Target(ABC):
    """Something that takes bytes. A context manager, for targets that need a server running."""

    name: str
    """Also the name of its module and of its folder in ``cases``."""

    @abstractmethod
    def generate(self, rng: random.Random) -> bytes:
        """A case, made from ``rng`` alone, so that a seed reproduces the run."""

    @abstractmethod
    def run(self, case: bytes) -> None:
        """Try a case. Whatever it raises is a finding."""

    def __enter__(self) -> Target:
        """Get ready."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Clean up."""
        return

    def folder(self) -> Path:
        """The folder of its cases."""
        return CASES / self.name

    def cases(self) -> list[Path]:
        """The cases found so far."""
        return sorted(path for path in self.folder().glob("*") if path.is_file())


def _peak_kb(*, anew: bool = False) -> int:
    """Peak resident memory since the last call with ``anew``."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


@contextlib.contextmanager
def limited(cpu_s: float = CASE_CPU_S, growth_kb: int = CASE_GROWTH_KB) -> Iterator[None]:
    """Raises TooMuch for more processor time or memory than one case may take."""

    def over(_: int, __: FrameType | None) -> None:
        raise TooMuch(f"more than {cpu_s:g} s of processor time")

    before = signal.signal(signal.SIGPROF, over)
    began = _peak_kb(anew=True)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    grown = _peak_kb() - began
    if grown > growth_kb:
        raise TooMuch(f"{grown // 1000} MB of memory")


def failure(target: Target, case: bytes) -> tuple[str, str] | None:
    """The kind of failure that ``case`` causes, and its full text; None when it passes."""
    try:
        with limited():
            target.run(case)
    except Exception as error:  # noqa: BLE001  that is what is looked for
        places = traceback.extract_tb(error.__traceback__)
        last = next((p for p in reversed(places) if "/appliance/" in p.filename), places[-1])
        kind = f"{type(error).__name__} in {Path(last.filename).name}:{last.name}"
        # The target's own assertions say what they are about.
        if isinstance(error, AssertionError):
            kind += f": {str(error).splitlines()[0].partition(':')[0] if str(error) else ''}"
        return kind, "".join(traceback.format_exception(error))
    return None


def _narrow(text: str) -> str:
    """Shorten for a terminal: a case may produce megabyte lines."""
    return "\n".join(line[:_WIDTH] for line in text.splitlines())


def smaller(case: bytes, fails: Callable[[bytes], bool], seconds: float = _SHRINK_S) -> bytes:
    """A part of ``case`` that still fails: pieces are dropped as long as it does."""
    deadline = time.monotonic() + seconds
    size = max(1, len(case) // 2)
    while size and time.monotonic() < deadline:
        at = 0
        while at < len(case) and time.monotonic() < deadline:
            shorter = case[:at] + case[at + size :]
            if fails(shorter):
                case = shorter
            else:
                at += size
        size //= 2
    return case


def fuzz(target: Target, seconds: float, seed: int) -> int:
    """Run for that long; returns how many kinds of failure were found, all kept as cases."""
    rng = random.Random(seed)
    deadline = time.monotonic() + seconds
    found: dict[str, Path] = {}
    tried = 0
    with target:
        while time.monotonic() < deadline and len(found) < _ENOUGH:
            case = target.generate(rng)
            tried += 1
            failed = failure(target, case)
            if failed is None or failed[0] in found:
                continue
            kind = failed[0]

            def same(shorter: bytes, kind: str = kind) -> bool:
                again = failure(target, shorter)
                return again is not None and again[0] == kind

            small = smaller(case, same) if same(case) else case
            path = target.folder() / f"{hashlib.sha256(small).hexdigest()[:12]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(small)
            found[kind] = path
            print(f"FOUND {kind}, {len(small)} bytes in {path}\n{_narrow(failed[1])}", flush=True)
    print(f"{target.name}: {tried} cases in {seconds:g} s, seed {seed}: {len(found)} found")
    return len(found)


def main(target: Target) -> None:
    """``--seconds`` and ``--seed``, or ``--case FILE`` to retry one. Exits with 0 or 1."""
    parser = argparse.ArgumentParser(description=f"Fuzz {target.name}.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--case", type=Path, help="try this one case and show how it fails")
    options = parser.parse_args()
    if options.case is not None:
        with target:
            failed = failure(target, options.case.read_bytes())
        print(_narrow(failed[1]) if failed else "it does not fail")
        sys.exit(failed is not None)
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    sys.exit(fuzz(target, options.seconds, seed) > 0)
