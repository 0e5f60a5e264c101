"""The soak itself: a number of frames, regular faults, and what must be unchanged at the end."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import structlog

from appliance.errors import MatteboxError
from tests.faults.stand_ins import Resources
from tests.soak.box import Box, box_in
from tests.soak.faults import FAULTS

log = structlog.get_logger("soak")

BUDGET_S = 3.0
"""From the removal of a fault's cause until the picture and every output are back."""
MOST_GAP_S = 3.0
"""The longest time that nothing at all may go out, not even the placeholder."""
_STEADY = 3
"""Composites after which the picture counts as back."""
_SAMPLES = 10
_REST_S = 15.0


@dataclass
class Report:
    """A soak's findings; memory, descriptors and threads at ten moments, each at rest."""

    seed: int
    asked: int
    resources: list[tuple[int, Resources]] = field(default_factory=list)
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    frames_in: int = 0
    composites: int = 0
    placeholders: int = 0
    reconnects: int = 0
    longest_gap_s: float = 0.0
    took_s: float = 0.0
    stop_s: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def judge(self, most_growth_kb: int, budget_s: float = BUDGET_S) -> None:
        """Compare the figures with their limits."""
        # The first half loads what is loaded once (encoders, decoders, code), and the allocator
        # learns how much of each size is needed at once by how many threads.
        first, last = self.resources[(len(self.resources) - 1) // 2][1], self.resources[-1][1]
        if last.descriptors > first.descriptors + 2:
            self.wrong.append(f"descriptors grew from {first.descriptors} to {last.descriptors}")
        if last.threads > first.threads + 3:
            self.wrong.append(f"threads grew from {first.threads} to {last.threads}")
        if last.rss_kb > first.rss_kb + most_growth_kb:
            self.wrong.append(
                f"resident memory grew from {first.rss_kb} kB to {last.rss_kb} kB, more than the "
                f"{most_growth_kb} kB allowed"
            )
        for kind, seconds in self.recoveries.items():
            if max(seconds) > budget_s:
                self.wrong.append(
                    f"{kind}: back after {max(seconds):.2f} s; {budget_s:g} s is the budget"
                )
        if self.longest_gap_s > max(MOST_GAP_S, budget_s):
            self.wrong.append(f"for {self.longest_gap_s:.2f} s nothing left at all")
        if self.composites < self.asked:
            self.wrong.append(f"{self.composites} composites of {self.asked}")

    def text(self) -> str:
        """The tables."""
        lines = [
            f"seed {self.seed}: {self.frames_in} frames in, {self.composites} composites and "
            f"{self.placeholders} placeholders out in {self.took_s:.0f} s; "
            f"{self.reconnects} reconnects of the source",
            f"longest time without any frame out {self.longest_gap_s:.2f} s; "
            f"stopped in {self.stop_s:.2f} s",
            "",
            f"{'composites':>10} {'memory, kB':>11} {'descriptors':>12} {'threads':>8}",
        ]
        lines += [
            f"{frames:>10} {held.rss_kb:>11} {held.descriptors:>12} {held.threads:>8}"
            for frames, held in self.resources
        ]
        lines += ["", f"{'fault':<32} {'times':>5} {'back after, s: median':>22} {'worst':>6}"]
        for kind, seconds in sorted(self.recoveries.items()):
            median = sorted(seconds)[len(seconds) // 2]
            lines.append(f"{kind:<32} {len(seconds):>5} {median:>22.2f} {max(seconds):>6.2f}")
        lines += ["", *(f"WRONG: {one}" for one in self.wrong or [])]
        if not self.wrong:
            lines.append("nothing leaked, nothing hung, every recovery within its budget")
        return "\n".join(lines)


def soak(
    folder: Path, *, seed: int, frames: int, every: int, kinds: list[str] | None = None,
    brisk: bool = False, seconds: float | None = None, most_growth_kb: int = 20_000,
    budget_s: float = BUDGET_S,
    tell: Callable[[int, Resources], None] = lambda *_: None,
) -> Report:  # fmt: skip
    """Run ``frames`` composites with a fault every ``every`` of them; see ``Report``.

    ``seconds``: stop after that long, with however many there are.
    """
    rng = Random(seed)
    report = Report(seed, frames)
    deck: list[str] = []
    begun = time.monotonic()
    with box_in(folder, brisk=brisk) as box:
        programme = box.daemon.programme
        sampled, before = 0, "the start"
        report.resources.append((programme.composites, at_rest(box)))
        first = report.resources[0][1]
        # Every kind at least once, however few frames are requested.
        while programme.composites < frames or len(report.recoveries) < len(kinds or FAULTS):
            if seconds is not None and time.monotonic() - begun > seconds:
                report.asked = programme.composites
                break
            due = programme.composites + every
            box.wait(lambda due=due: programme.composites >= due, "frames", 120)  # type: ignore[misc]
            if not deck:
                deck = sorted(kinds or FAULTS)
                rng.shuffle(deck)
            kind = deck.pop()
            injected = time.monotonic()
            try:
                FAULTS[kind](box, rng)
                report.recoveries[kind].append(recovery(box, kind))
            except (AssertionError, OSError, MatteboxError) as error:
                report.wrong.append(
                    f"{kind}, at composite {programme.composites}, after {before}: "
                    f"{type(error).__name__}: {error}"
                )
                log.exception("the soak stops", fault=kind, after=before)
                break
            before = kind
            log.info("fault over", fault=kind, took_s=round(time.monotonic() - injected, 2))
            tenth = programme.composites * _SAMPLES // frames
            if tenth > sampled and not brisk:
                sampled = tenth
                report.resources.append((programme.composites, at_rest(box, first)))
                tell(*report.resources[-1])
        report.resources.append((programme.composites, at_rest(box, first)))
        report.frames_in = box.camera.frames
        report.composites, report.placeholders = programme.composites, programme.placeholders
        report.reconnects = box.camera.opened
        report.longest_gap_s = box.judge.longest_gap_s
        report.wrong += box.judge.verdict
    report.stop_s = box.stop_s
    report.took_s = time.monotonic() - begun
    report.judge(most_growth_kb, budget_s)
    return report


def recovery(box: Box, kind: str) -> float:
    """Seconds until the picture is back and all outputs are running."""
    programme = box.daemon.programme
    enough = programme.composites + _STEADY
    return box.wait(
        lambda: programme.composites >= enough and box.well(), f"the picture after: {kind}"
    )


def at_rest(box: Box, least: Resources | None = None) -> Resources:
    """What is held once readers' leftovers are gone: down to ``least``, if that happens in time.

    gst-rtsp-server releases an encoder some seconds after its last reader.
    """
    now = Resources.now()
    deadline = time.monotonic() + (_REST_S if least is not None else 1)
    tick = threading.Event()
    while time.monotonic() < deadline:
        if least is not None and now.fits(least):
            break
        tick.wait(0.1)
        now = Resources.now()
    return now
