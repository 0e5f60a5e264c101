"""A video's pictures of a moment ago, for frames made between two of the camera."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from appliance.background.video import VideoBackground, _LookingBack
from appliance.media.frame import Format, Frame
from tests.patience import promised
from tests.scenes import flat


def test_looking_back() -> None:
    box = _LookingBack()
    box.put(replace(flat(64, 36, 1), pts=10))
    # Nothing is kept until somebody asks.
    assert box.at(1000) is None
    for number in range(2, 7):
        box.put(replace(flat(64, 36, number), pts=10 * number))

    def luma(when: int) -> int | None:
        found = box.at(when)
        return None if found is None else int(found.y[0, 0])

    assert [luma(when) for when in (39, 40, 49, 50, 59, 60, 1000)] == [None, 4, 4, 5, 5, 6, 6]
    newest: Frame | None = box.get(0)
    assert newest is not None
    assert newest.pts == 60
    assert box.dropped == 5


def test_a_video_tells_what_was_on_before(room: Path) -> None:
    background = VideoBackground(room, Format(320, 180), "fill")
    try:
        background.before(0)
        deadline = time.monotonic() + promised(10)
        while background.before(50_000_000) is background.before(0):
            assert time.monotonic() < deadline, "the video does not play on"
            time.sleep(0.005)
        # Further back than is kept: the newest.
        assert background.before(60_000_000_000) is background.picture
    finally:
        background.close()
