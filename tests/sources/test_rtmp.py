"""RTMP sources against nginx's RTMP module, fed by ffmpeg."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.config.settings import SourceSettings
from appliance.config.shapes import rtmp
from appliance.errors import SourceError
from appliance.sources.base import HasSound
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source
from tests.sources.nginx import serving
from tests.sources.pictures import read_some, rgb, source_for
from tests.sources.senders import sending, until


def test_picture_and_sound_come_over_and_come_back(tmp_path: Path, free_port: int) -> None:
    uri = f"rtmp://127.0.0.1:{free_port}/live/one"
    bars = "smptebars=size=160x120:rate=30"
    settings = SourceSettings(uri=uri, timeout_s=2, retry_first_s=0.1, retry_most_s=0.2)
    feeder = SourceFeeder(make_source(settings), settings)
    try:
        assert feeder.start() is None  # no server yet
        with serving(tmp_path, free_port):
            with sending("-f", "flv", uri, picture=bars):
                until(lambda: feeder.frames > 3)
                source = source_for(uri)
                assert isinstance(source, HasSound)
                try:
                    format = source.open(None)
                    assert (format.width, format.height) == (160, 120)
                    frames = read_some(source, 15)
                    sound = source.sounds()
                finally:
                    source.close()
            until(lambda: feeder.state.state == "waiting")
            before = feeder.frames
            # Without sound flvdemux waits seconds for some before it says that all is there.
            with sending("-f", "flv", uri, picture=bars, tone=False):
                until(lambda: feeder.frames > before + 3)
    finally:
        assert feeder.stop()
    assert rgb(frames[-1])[20:60, 28:40].mean((0, 1)) == pytest.approx([180, 180, 16], abs=16)
    assert abs(sound[0].pts - frames[0].pts) < 500_000_000
    assert max(abs(block.samples).max() for block in sound) > 1000


def test_what_is_not_there(tmp_path: Path, free_port: int) -> None:
    def error(uri: str) -> str:
        source = source_for(uri, timeout_s=1)
        with pytest.raises(SourceError) as caught:
            source.open(None)
        source.close()
        return str(caught.value)

    server = f"rtmp://cam:pa55word@127.0.0.1:{free_port}"
    refused = error(f"{server}/live/one")
    assert "nothing answers there" in refused
    assert "pa55word" not in refused
    with serving(tmp_path, free_port):
        # Neither is told; GStreamer's own limit comes at the same moment.
        for scheme in ("rtmp", "rtmps"):
            silent = error(f"{scheme}://127.0.0.1:{free_port}/live/none")
            assert re.search("no picture within 1 s|no stream of this name", silent), silent
        assert "no such application" in error(f"rtmp://127.0.0.1:{free_port}/dead/none")


@pytest.mark.parametrize("uri", ["rtmp://host", "rtmp://host/live", "rtmp://host:0/live/one"])
def test_addresses_that_cannot_be(uri: str) -> None:
    with pytest.raises(ValueError, match="rtmp://host:port/app/name"):
        rtmp(uri)
