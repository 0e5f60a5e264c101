"""A window of jetson-utils, against a stand-in: its program, colours, place in the order."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import MissingDependency, OutputError
from appliance.media.frame import Colour, Format, Frame, Matrix, Range
from appliance.outputs.display import jetson as jetson_window
from appliance.outputs.display import output as display
from appliance.outputs.display.output import DisplayOutput
from appliance.outputs.display.process import by_jetson_utils
from appliance.pixels.cpu.convert import nv12_to_bgrx
from appliance.system import jetson_utils
from tests import fake_jetson_utils as fake
from tests.outputs.conftest import COLOURS, picture, wait_until

FORMAT = Format(66, 70, (30, 1))

# The window's program with the stand-in in the library's place; what was shown goes into a file.
CHILD = """
import sys
import numpy
from tests import fake_jetson_utils as fake
sys.modules["jetson_utils"] = fake
fake.videoOutput.refuses = sys.argv[1] == "refuse"
from appliance.outputs.display import jetson as jetson_window
with open(0, "rb", buffering=0, closefd=False) as stdin:
    code = jetson_window.main(*sys.argv[3:6], stdin)
if fake.videoOutput.made:
    numpy.save(sys.argv[2], numpy.array(fake.videoOutput.made[0].shown))
sys.exit(code)
"""


def child(shown: Path, format: Format, how: str = "show") -> list[str]:
    return [sys.executable, "-c", CHILD, how, str(shown), *by_jetson_utils(format)[3:]]


def expected(frame: Frame) -> np.ndarray:
    """The same picture by the oracle of the GPU's kernel."""
    bgrx = np.empty((frame.height, frame.width, 4), np.uint8)
    nv12_to_bgrx(frame, bgrx)
    return bgrx[:, :, [2, 1, 0, 3]]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in, in this process."""
    monkeypatch.setitem(sys.modules, "jetson_utils", fake)
    monkeypatch.setattr(fake.videoOutput, "made", [])


def test_the_command() -> None:
    command = by_jetson_utils(Format(1920, 1080, (30, 1), Colour(Matrix.BT601, Range.FULL)))
    assert command[1:] == [
        "-m", "appliance.outputs.display.jetson", "1920x1080", "bt601", "full",
    ]  # fmt: skip


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_colours_are_the_frames_own(library: None, colour: Colour) -> None:
    """The library's own conversion would take all of them for full-range BT.601."""
    frame = picture(Format(64, 70, (30, 1), colour))
    window = jetson_window._Window(64, 70, colour)
    assert window.show(frame.y, frame.uv)
    [shown] = fake.videoOutput.made[0].shown
    assert np.abs(shown.astype(int) - expected(frame)).max() <= 1
    assert fake.videoOutput.made[0].argv[1:] == ["--output-width=64", "--output-height=70"]
    window.close()
    assert not fake.videoOutput.made[0].IsStreaming()


def test_frames_go_through_the_windows_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """66 pixels: rows are padded on their way."""
    shown = tmp_path / "shown.npy"
    monkeypatch.setattr(jetson_utils, "installed", lambda: True)
    monkeypatch.setattr(display, "by_jetson_utils", lambda format: child(shown, format))
    output = DisplayOutput("display://jetson-utils")
    output.open(FORMAT)
    assert output.clients() == 1
    frame = picture(FORMAT)
    for _ in range(3):
        output.write(frame)
    output.close()
    pictures = np.load(shown)
    assert pictures.shape == (3, 70, 66, 4)
    assert np.abs(pictures[2].astype(int) - expected(frame)).max() <= 1


def test_a_closed_window_is_an_error(library: None, capsys: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as frames, os.fdopen(writing, "wb") as feed:
        codes: list[int] = []
        run = threading.Thread(
            target=lambda: codes.append(jetson_window.main("64x36", "bt709", "limited", frames))
        )
        # Signals belong to the main thread; the program's own is not under test here.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(jetson_window.signal, "signal", lambda *_: None)
            run.start()
            wait_until(lambda: fake.videoOutput.made)
            fake.videoOutput.made[0].streaming = False
            feed.write(bytes(64 * 54))
            feed.flush()
            run.join(5)
    assert codes == [1]
    assert "the window was closed" in capsys.readouterr().err


def test_a_window_that_does_not_open_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetson_utils, "installed", lambda: True)
    monkeypatch.setattr(
        display, "by_jetson_utils", lambda format: child(tmp_path / "none", format, "refuse")
    )
    with pytest.raises(OutputError, match="failed to create videoOutput device"):
        DisplayOutput("display://jetson-utils").open(FORMAT)


def test_insisted_on_and_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetson_utils, "installed", lambda: False)
    with pytest.raises(MissingDependency, match="jetson-utils is not installed"):
        DisplayOutput("display://jetson-utils").open(FORMAT)


def test_it_is_the_last_way_to_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(jetson_utils, "installed", lambda: True)
    ways = [name for name, _ in DisplayOutput()._windows(FORMAT)]
    assert ways[-1] == "jetson-utils"
    assert "ximagesink" in ways[-2]
    assert [name for name, _ in DisplayOutput("display://HDMI-A-1")._windows(FORMAT)] == []
    monkeypatch.setattr(jetson_utils, "installed", lambda: False)
    assert "jetson-utils" not in [name for name, _ in DisplayOutput()._windows(FORMAT)]
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setattr(jetson_utils, "installed", lambda: True)
    assert DisplayOutput()._windows(FORMAT) == []
