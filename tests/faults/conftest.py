"""A camera that can be unplugged, and a record of how long the picture took to come back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.sources import make
from tests.faults.stand_ins import Camera

Measured = Callable[[str, float], None]
_NOTES = pytest.StashKey[list[str]]()


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Camera:
    """The camera that ``source.uri: test://ball`` stands for."""
    camera = Camera()
    monkeypatch.setattr(make, "make_source", camera.make_source)
    return camera


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Records a duration, shown at the end of the run: wall times are reported, not asserted."""
    notes = request.config.stash.setdefault(_NOTES, [])

    def note(what: str, seconds: float) -> None:
        notes.append(f"{what}: {seconds:.2f} s")

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the durations."""
    notes = terminalreporter.config.stash.get(_NOTES, [])
    if notes:
        terminalreporter.section("faults: measured")
        for note in notes:
            terminalreporter.write_line(note)
