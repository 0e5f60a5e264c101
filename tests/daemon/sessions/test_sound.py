"""Each session is heard by its own listeners only."""

from __future__ import annotations

import subprocess

import numpy as np

from appliance.config.settings import BackgroundSettings, SourceSettings
from appliance.daemon.sessions.session import Session
from tests.daemon.sessions.box import live, opened


def loudest(session: Session, seconds: float) -> int:
    """The largest sample, of 32767, of a session's sound, read over RTSP."""
    data = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i",
         str(session.state().rtsp), "-t", str(seconds), "-vn", "-f", "s16le", "-ac", "2", "-"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=40, check=True,
    ).stdout  # fmt: skip
    samples = np.frombuffer(data, np.int16).astype(int)
    assert len(samples) >= 0.8 * 2 * 48000 * seconds
    return int(np.abs(samples).max())


def test_one_that_is_silent_is_silent_beside_one_that_speaks(anna: SourceSettings) -> None:
    with opened() as (sessions, _):
        black = BackgroundSettings(uri="colour:#000000")
        loud, silent = (live(sessions.begin(anna, black)) for _ in range(2))
        assert loud.playout is not None
        # Half a second of a rising sound each.
        for _ in range(60):
            loud.playout.play("wave")
        assert loudest(loud, 1.0) > 1000
        assert loudest(silent, 1.0) == 0
        assert loudest(loud, 0.5) > 1000
