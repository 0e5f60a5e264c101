"""``mattebox doctor``: one screen on what this machine has, what it lacks, what to install."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from appliance.config.settings import Settings
from appliance.tools.doctor import captions, machine, media, voices
from appliance.tools.doctor.machine import Finding

__all__ = ["PROBES", "DoctorReport", "Finding", "closing", "examine", "run"]

Probe = Callable[[Settings], list[Finding]]

PROBES: tuple[tuple[str, Probe], ...] = (
    ("Machine", machine.machine),
    ("GPU", machine.gpu),
    ("GStreamer", media.gstreamer),
    ("Encoders", media.encoders),
    ("Captions", captions.captions),
    ("Devices", machine.plugged_in),
    ("Networks", machine.networks),
    ("Voices", voices.voices),
    ("Ports", machine.ports),
)
_SIGNS = {"ok": ("✓", "green"), "gap": ("!", "yellow"), "none": ("–", "dim"), "bad": ("✗", "red")}


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """All findings by group; the main job can run when none of them is bad."""

    groups: tuple[tuple[str, tuple[Finding, ...]], ...]

    @property
    def findings(self) -> list[Finding]:
        """All findings, in order."""
        return [finding for _, findings in self.groups for finding in findings]

    @property
    def can_run(self) -> bool:
        """False when something is missing that the main job needs."""
        return all(finding.state != "bad" for finding in self.findings)

    @property
    def packages(self) -> list[str]:
        """The system packages that would close the gaps, once each."""
        return list(dict.fromkeys(p for finding in self.findings for p in finding.packages))


def examine(settings: Settings, probes: Sequence[tuple[str, Probe]] = PROBES) -> DoctorReport:
    """Run every probe. A probe that itself fails is a finding, not the end of the report."""
    groups = []
    for name, probe in probes:
        try:
            findings = probe(settings)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, report the rest
            findings = [Finding("bad", name, f"could not be examined: {error!r}")]
        groups.append((name, tuple(findings)))
    return DoctorReport(tuple(groups))


def run(settings: Settings, *, as_json: bool, first: Sequence[Finding] = ()) -> int:
    """Print the report; exit code 1 when the main job cannot run here, else 0.

    ``first`` holds findings that the caller already has, such as a wrong configuration.
    """
    report = examine(settings)
    if first:
        report = DoctorReport((("Configuration", tuple(first)), *report.groups))
    if as_json:
        print(json.dumps(as_plain(report), indent=2, ensure_ascii=False))
    else:
        console = Console(highlight=False)
        console.print(as_table(report))
        for line in closing(report):
            console.print(line, soft_wrap=True, markup=False)
    return 0 if report.can_run else 1


def as_table(report: DoctorReport) -> Table:
    """The report for a terminal: a sign, the subject, the finding, the cure."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for style in ("bold", "", "", ""):
        table.add_column(style=style, overflow="fold")
    for group, findings in report.groups:
        for index, finding in enumerate(findings):
            sign, colour = _SIGNS[finding.state]
            detail = Text(finding.detail)
            if finding.cure:
                detail.append(f"{'; ' if finding.detail else ''}{finding.cure}", style="italic")
            table.add_row(group if index == 0 else "", Text(sign, colour), finding.what, detail)
    return table


def closing(report: DoctorReport) -> list[str]:
    """The verdict, and one command that installs everything missing."""
    lines = [""]
    if report.packages:
        sudo = "" if os.geteuid() == 0 else "sudo "
        lines.append(f"To close the gaps: {sudo}apt install {' '.join(report.packages)}")
    bad = [finding.what for finding in report.findings if finding.state == "bad"]
    if bad:
        lines.append(f"Mattebox cannot run here yet: {', '.join(bad)}.")
    else:
        lines.append("Mattebox can run here.")
    return lines


def as_plain(report: DoctorReport) -> dict[str, Any]:
    """The report for a program to read."""
    groups = {}
    for group, findings in report.groups:
        groups[group.lower()] = [
            {
                "state": finding.state,
                "what": finding.what,
                "detail": finding.detail,
                "cure": finding.cure,
            }
            for finding in findings
        ]
    return {"can_run": report.can_run, "packages": report.packages, "groups": groups}
