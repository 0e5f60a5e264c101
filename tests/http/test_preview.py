"""The preview: it moves, it is what goes out, and it costs nothing while nobody looks."""

from __future__ import annotations

import io
import threading
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from appliance.daemon.tap import Tap
from appliance.media.frame import blank
from tests.http.serving import Served, as_json, corner, parts, wait_until
from tests.scenes import STAGE


def pixels(jpeg: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(jpeg)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_the_preview_moves_and_shows_composite_and_matte(appliance: Served) -> None:
    with appliance.client.stream("GET", "/api/preview", params={"show": "both"}) as stream:
        assert stream.headers["content-type"].startswith("multipart/x-mixed-replace; boundary=")
        pictures = [pixels(jpeg) for jpeg in parts(stream, 6)]
        assert appliance.site.preview.viewers == 1
    first = pictures[0]
    assert first.shape == (180, 640, 3)
    composite, matte = first[:, :320], first[:, 320:]
    assert np.abs(composite[4:10, 4:10] - STAGE).max() < 8
    assert matte[4:10, 4:10].max() < 8
    assert matte.max() > 245
    # Where the matte is, there is the person; the room's red is nowhere.
    person = matte[:, :, 0] > 250
    assert composite[person].mean() > 210
    red = composite[:, :, 0] - composite[:, :, 2]
    assert (red > 60).mean() < 0.005
    assert any(np.abs(a - b).max() > 100 for a, b in pairwise(pictures))


def test_nothing_is_made_while_nobody_looks(appliance: Served) -> None:
    wait_until(lambda: not appliance.site.preview.viewers)
    wait_until(lambda: not any(t.name == "preview" for t in threading.enumerate()))
    tap = appliance.daemon.tap
    wait_until(lambda: not tap.wanted)
    # One that was asked for in time may still be on its way.
    before = appliance.daemon.programme.composites
    wait_until(lambda: appliance.daemon.programme.composites > before + 2)
    serial = tap.serial
    wait_until(lambda: appliance.daemon.programme.composites > before + 5)
    assert tap.serial == serial
    assert tap._look is None, "a canvas is held for nobody"
    assert tap.matte_for(blank(32, 32)) is None


def test_asking_for_the_headers_alone_makes_no_viewer(appliance: Served) -> None:
    answer = appliance.client.head("/api/preview")
    assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
    assert not appliance.site.preview.viewers


def test_two_viewers_share_the_pictures(appliance: Served) -> None:
    client = appliance.client
    with (
        client.stream("GET", "/api/preview?show=composite") as one,
        client.stream("GET", "/api/preview?show=matte") as other,
    ):
        assert np.abs(corner(parts(one, 2)[1]) - STAGE).max() < 8
        assert corner(parts(other, 2)[1]).max() < 8
        assert as_json(client.get("/api/status"))["viewers"] == 2
        assert sum(t.name == "preview" for t in threading.enumerate()) == 1
    wait_until(lambda: not appliance.site.preview.viewers)


class TestPeek:
    """The slot by itself."""

    def test_nobody_asks(self) -> None:
        tap = Tap()
        frame = blank(32, 32)
        assert tap.matte_for(frame) is None
        tap.composite(frame)
        tap.placeholder(frame)
        assert tap.next(0, 0) is None

    def test_a_composite_comes_with_its_matte_a_placeholder_with_none(self) -> None:
        tap = Tap()
        frame = blank(32, 32)
        tap.ask()
        matte = tap.matte_for(frame)
        assert matte is not None
        tap.composite(frame)
        look = tap.next(0, 0)
        assert look is not None
        assert look.frame is frame
        assert look.matte is matte
        tap.placeholder(frame)
        later = tap.next(look.serial, 0)
        assert later is not None
        assert later.matte is None

    def test_a_composite_made_before_somebody_asked_is_not_taken(self) -> None:
        """Its matte was not written."""
        tap = Tap()
        frame = blank(32, 32)
        assert tap.matte_for(frame) is None
        tap.ask()
        tap.composite(frame)
        assert tap.next(0, 0) is None

    def test_at_most_one_a_period(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 1000.0
        monkeypatch.setattr("appliance.daemon.tap.time.monotonic", lambda: now)
        tap = Tap()
        frame = blank(32, 32)
        taken = 0
        for _ in range(300):
            tap.ask(0.1)
            if tap.matte_for(frame) is not None:
                taken += 1
            tap.composite(frame)
            now += 1 / 60
        assert 48 <= taken <= 52
        now += 3
        tap.composite(frame)
        assert tap._look is None
