"""The window, looked at under Xvfb; the console's choice of a connector, from a made-up /sys."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InputError, OutputError
from appliance.media.frame import U8, Colour, Format, Frame, Matrix, Range, blank
from appliance.outputs.display.output import (
    DisplayOutput,
    connectors,
    console_pipeline,
    window_pipelines,
)
from tests.outputs.conftest import (
    Feed,
    StartFeed,
    wait_until,
)

SCREEN = (800, 600)
AREA = f"{SCREEN[0]}x{SCREEN[1]}"
GRAB = ("ffmpeg", "-nostdin", "-v", "error", "-f", "x11grab", "-draw_mouse", "0", "-s", AREA)


class Screen:
    """An X server without a screen, to look at."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["Xvfb", "-nolisten", "tcp", "-displayfd", "1", "-screen", "0", f"{AREA}x24"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.name = f":{self.process.stdout.readline().strip()}"

    def shot(self) -> U8:
        """What is on it: RGB, (rows, columns, 3)."""
        done = subprocess.run(
            [*GRAB, "-i", self.name, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
            capture_output=True,
            timeout=20,
            check=True,
        )
        return np.frombuffer(done.stdout, np.uint8).reshape(SCREEN[1], SCREEN[0], 3)

    def window(self) -> str:
        """The window's number."""
        return self.tool("search", "--name", ".").split()[-1]

    def tool(self, *words: str) -> str:
        """Run xdotool."""
        done = subprocess.run(
            ["xdotool", *words], env={**os.environ, "DISPLAY": self.name},
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        return done.stdout

    def end(self) -> None:
        """Take the server away."""
        self.process.terminate()
        self.process.wait(5)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A screen, set as DISPLAY."""
    for tool in ("Xvfb", "xdotool", "ffmpeg"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    item = Screen()
    monkeypatch.setenv("DISPLAY", item.name)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield item
    item.end()


# Yellow and blue, BT.709 limited and BT.601 full; what RGB they are is in the standards.
PICTURES = [
    (Colour(Matrix.BT709, Range.LIMITED), (180, 32, 138), (28, 212, 120)),
    (Colour(Matrix.BT601, Range.FULL), (210, 16, 146), (41, 240, 110)),
]


def expected_rgb(colour: Colour, yuv: tuple[int, int, int]) -> U8:
    """The standards' formula, in floating point."""
    kr, kb = colour.matrix.kr_kb
    full = colour.range is Range.FULL
    y = yuv[0] / 255 if full else (yuv[0] - 16) / 219
    cb, cr = ((value - 128) / (255 if full else 224) for value in yuv[1:])
    red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    rgb: U8 = np.clip(np.round(np.array([red, green, blue]) * 255), 0, 255).astype(np.uint8)
    return rgb


def halves(
    width: int, height: int, colour: Colour, left: tuple[int, ...], right: tuple[int, ...]
) -> Frame:
    """Two colours side by side."""
    frame = blank(width, height, colour)
    middle = width // 4
    frame.y[:, : 2 * middle], frame.y[:, 2 * middle :] = left[0], right[0]
    frame.uv[:, :middle], frame.uv[:, middle:] = left[1:], right[1:]
    return frame


@pytest.mark.parametrize(("colour", "left", "right"), PICTURES)
def test_the_window_shows_the_frame(
    screen: Screen,
    feed: StartFeed,
    colour: Colour,
    left: tuple[int, int, int],
    right: tuple[int, int, int],
) -> None:
    output = DisplayOutput()
    output.open(Format(642, 361, (30, 1), colour))
    try:
        running = feed(output, halves(642, 361, colour, left, right))
        wait_until(lambda: screen.shot()[200, 100].any(), 20)
        shot = screen.shot().astype(int)
        assert abs(shot[20:340, 20:300] - expected_rgb(colour, left)).max() <= 4
        assert abs(shot[20:340, 340:620] - expected_rgb(colour, right)).max() <= 4
        assert not shot[362:, :].any()
        assert output.clients() == 1
        running.stop()
    finally:
        output.close()
        output.close()


def test_a_resized_window_keeps_the_aspect_with_bars(screen: Screen, feed: StartFeed) -> None:
    output = DisplayOutput()
    output.open(Format(640, 360, (30, 1)))
    try:
        running = feed(output, halves(640, 360, Colour(), (180, 128, 128), (180, 128, 128)))
        wait_until(lambda: screen.shot()[200, 100].any(), 20)
        screen.tool("windowsize", "--sync", screen.window(), "400", "400")
        # 400 wide is 225 high: bars of 87 rows above and below.
        wait_until(lambda: screen.shot()[95, 200].any() and not screen.shot()[80, 200].any(), 20)
        shot = screen.shot()
        assert shot[100:300, 10:390].all()
        assert not shot[320:400, 10:390].any()
        running.stop()
    finally:
        output.close()


@pytest.mark.parametrize("how", ["windowclose", "windowkill", "server"])
def test_a_window_that_is_gone_is_an_error_not_the_end(
    screen: Screen, feed: StartFeed, how: str
) -> None:
    output = DisplayOutput()
    output.open(Format(320, 180, (30, 1)))
    try:
        running = Feed(output, halves(320, 180, Colour(), (180, 128, 128), (90, 128, 128)))
        wait_until(lambda: screen.shot()[90, 100].any(), 20)
        if how == "server":
            screen.end()
        else:
            screen.tool(how, screen.window())
        wait_until(lambda: running.error is not None)
        assert isinstance(running.error, OutputError)
        assert "display://: " in str(running.error)
    finally:
        output.close()


def test_no_x_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    output = DisplayOutput()
    with pytest.raises(OutputError, match=r"no window could be opened: .*display"):
        output.open(Format(320, 180, (30, 1)))
    assert output.clients() == 0


def made_up(root: Path, **status: str) -> Path:
    """A /sys/class/drm with one card and connectors, HDMI_A_1='connected'."""
    (root / "drivers" / "tegra").mkdir(parents=True)
    (root / "card1" / "device").mkdir(parents=True)
    (root / "card1" / "device" / "driver").symlink_to(root / "drivers" / "tegra")
    for number, (name, state) in enumerate(status.items()):
        folder = root / f"card1-{name.replace('_', '-')}"
        folder.mkdir()
        (folder / "status").write_text(f"{state}\n")
        (folder / "connector_id").write_text(f"{40 + number}\n")
    return root


def test_the_console_takes_the_screen_that_is_plugged_in(tmp_path: Path) -> None:
    drm = made_up(tmp_path, DP_1="disconnected", HDMI_A_1="connected")
    line = console_pipeline("", drm)
    assert "kmssink sync=false" in line
    assert "connector-id=41" in line
    assert "driver-name=tegra" in line


def test_a_named_connector_is_taken_even_when_dark(tmp_path: Path) -> None:
    drm = made_up(tmp_path, DP_1="disconnected", HDMI_A_1="connected")
    assert "connector-id=40" in console_pipeline("DP-1", drm)


def test_an_unknown_connector_names_those_there_are(tmp_path: Path) -> None:
    drm = made_up(tmp_path, DP_1="disconnected", HDMI_A_1="connected")
    with pytest.raises(InputError, match=r"no such connector; it has: DP-1, HDMI-A-1"):
        console_pipeline("VGA-1", drm)


def test_no_screen_and_no_desktop_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match=r"connectors: none\); plug one in"):
        console_pipeline("", tmp_path / "none")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if not any(item.connected for item in connectors()):
        with pytest.raises(OutputError, match="no screen is plugged in"):
            DisplayOutput().open(Format(320, 180))


def test_wayland_is_tried_before_x() -> None:
    lines = window_pipelines({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"})
    assert "waylandsink" in lines[0]
    assert "ximagesink" in lines[-1]
    assert window_pipelines({}) == []
