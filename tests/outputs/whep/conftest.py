"""An output that is fed as the programme does it, and those who watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from appliance.config.settings.http import HttpSettings
from appliance.errors import OutputError
from appliance.media.audio import RATE, AudioBlock, position, time_of
from appliance.media.frame import blank
from appliance.outputs.whep.output import WhepOutput
from tests.outputs.conftest import FORMAT
from tests.outputs.whep.player import Player, players

FPS = 30
FLASH_NS = 500_000_000
BEEP_NS = 66_666_667


class Studio:
    """Grey pictures that turn white each half second for two frames, with a tone that long."""

    def __init__(self, output: WhepOutput) -> None:
        self.output = output
        self.error: Exception | None = None
        self.written = 0
        self._stop = threading.Event()
        self._grey, self._white = blank(*_SIZE), blank(*_SIZE)
        self._grey.y[:], self._white.y[:] = 90, 235
        self._grey.y[:40, :40] = 200
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        begins = time.monotonic_ns()
        period = 1e9 / FPS
        sent = position(begins)
        while not self._stop.wait(max(0.0, (begins + self.written * period - _now()) / 1e9)):
            pts = begins + round(self.written * period)
            flash = self.written % (FPS // 2) < 2
            upto = position(pts)
            at = np.arange(sent, upto)
            tone = ((at - position(begins)) % position(FLASH_NS)) < position(BEEP_NS)
            wave = np.where(tone, 20_000 * np.sin(2 * np.pi * 1000 * at / RATE), 0)
            try:
                if len(at):
                    samples = np.stack([wave, wave], axis=1).astype(np.int16)
                    self.output.hear(AudioBlock(samples, time_of(sent)))
                self.output.write(replace(self._white if flash else self._grey, pts=pts))
            except OutputError as error:
                self.error = error
                self.output.close()
            sent = upto
            self.written += 1

    def stop(self) -> None:
        """End it; fails the test if an output failed."""
        self._stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive()
        assert self.error is None


_SIZE = (FORMAT.width, FORMAT.height)


def _now() -> int:
    return time.monotonic_ns()


@pytest.fixture
def studio() -> Iterator[Studio]:
    """An output that is fed, with room for two viewers."""
    output = WhepOutput(HttpSettings(whep_viewers=2))
    output.open(FORMAT)
    made = Studio(output)
    yield made
    made.stop()
    output.close()
    assert output.stop()


@pytest.fixture
def player() -> Iterator[Callable[..., Player]]:
    """Makes players."""
    with players() as make:
        yield make


@pytest.fixture
def watch(studio: Studio, player: Callable[..., Player]) -> Callable[..., tuple[str, Player]]:
    """Has a new player watch the studio: its identity, and itself."""

    def start(*kinds: Any) -> tuple[str, Player]:
        made = player(kinds or ("video", "audio"))
        identity, answer = studio.output.join(made.offer())
        made.connect(answer)
        return identity, made

    return start
