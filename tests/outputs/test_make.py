"""Which output a URI names."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config.settings import OutputSettings
from appliance.errors import InputError
from appliance.outputs.make import make_output
from appliance.outputs.null import NullOutput
from tests.outputs.conftest import FORMAT, picture


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("rtsp://127.0.0.1:8554/live", "RtspOutput"),
        ("display://", "DisplayOutput"),
        ("display://HDMI-A-1", "DisplayOutput"),
        ("/tmp/a.mp4", "FileOutput"),
        ("file:///tmp/a%20b.mp4", "FileOutput"),
        ("v4l2:///dev/video9", "LoopbackOutput"),
        ("null://", "NullOutput"),
    ],
)
def test_each_address_names_its_output(uri: str, name: str) -> None:
    assert type(make_output(OutputSettings(uri=uri))).__name__ == name


def test_a_file_address_is_decoded() -> None:
    output = make_output(OutputSettings(uri="file:///tmp/a%20b.mp4"))
    assert output.uri == str(Path("/tmp/a b.mp4"))


def test_an_unknown_address_names_the_known_ones() -> None:
    with pytest.raises(
        InputError,
        match=r"rtsp://, rtsps://, srt://, .*, rtsps\+push://, display://, file://, v4l2://, null://",
    ):
        make_output(OutputSettings.model_construct(uri="gopher://x"))


def test_null_counts() -> None:
    output = NullOutput()
    with pytest.raises(OSError, match="before open"):
        output.write(picture())
    output.open(FORMAT)
    output.write(picture())
    assert (output.frames, output.dropped, output.clients()) == (1, 0, 0)
    output.close()
    assert output.last is None
