"""puppet://: what its addresses mean, and what is said of those that mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import puppet_address
from appliance.config.settings import Settings, SourceSettings
from appliance.config.uris import absolute
from appliance.daemon.files import files_of

WHOLE = "puppet:///a/b.png?drive=/c/d.mp4"


def test_both_files_and_the_plate() -> None:
    found = puppet_address.parse(WHOLE)
    assert (found.still, found.drive, found.over) == (Path("/a/b.png"), Path("/c/d.mp4"), "")
    assert puppet_address.parse(WHOLE + "&over=plate").over == "plate"
    assert puppet_address.parse(WHOLE + "&over=green").over == "#00b140"
    assert puppet_address.parse(WHOLE + "&over=FF00aa").over == "#ff00aa"
    assert puppet_address.parse(WHOLE + "&over=#ff00aa").over == "#ff00aa"


def test_signs_in_names_are_written_with_per_cent() -> None:
    found = puppet_address.parse("puppet://a%3Fb%26.png?drive=c%20d.mp4")
    assert (found.still, found.drive) == (Path("a?b&.png"), Path("c d.mp4"))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("puppet://", "the picture of a person is missing"),
        ("puppet://?drive=a.mp4", "the picture of a person is missing"),
        ("puppet://a.png", "the clip that moves it is missing"),
        ("puppet://a.png?drive=", "the clip that moves it is missing"),
        ("puppet://a.png?over=green", "the clip that moves it is missing"),
        ("puppet://a.png?drive=b.mp4&drive=c.mp4", "found 'drive=c.mp4' after the ?"),
        ("puppet://a.png?clip=b.mp4", "found 'clip=b.mp4' after the ?"),
        ("puppet://a.png?drive=b&c.mp4", "found 'c.mp4' after the ?"),
        ("puppet://a.png?drive=b.mp4&over=blue", "over=blue: expected plate, green, grey, or"),
        ("puppet://a\0.png?drive=b.mp4", "NUL"),
    ],
)
def test_what_is_wrong_is_said(uri: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  in words, as pydantic wants it
        SourceSettings(uri=uri)
    assert message in str(caught.value)


def test_relative_paths_start_from_the_file_s_folder() -> None:
    folder = Path("/etc/mattebox")
    found = absolute("puppet://a.png?drive=b/c.mp4&over=green", folder)
    assert found == "puppet:///etc/mattebox/a.png?drive=/etc/mattebox/b/c.mp4&over=green"
    assert absolute(WHOLE, folder) == WHOLE
    assert absolute("puppet://a.png", folder) == "puppet://a.png", "reported where it is checked"
    home = absolute("puppet://~/a.png?drive=~/b.mp4", folder)
    assert home == f"puppet://{Path.home()}/a.png?drive={Path.home()}/b.mp4"


def test_a_replaced_clip_is_noticed(tmp_path: Path) -> None:
    still, clip = tmp_path / "a.png", tmp_path / "b.mp4"
    still.write_bytes(b"1")
    clip.write_bytes(b"1")
    settings = Settings.model_validate({"source": {"uri": f"puppet://{still}?drive={clip}"}})
    before = files_of(settings)["source"]
    assert len(before) == 2
    clip.write_bytes(b"22")
    assert files_of(settings)["source"] != before


def test_an_output_spares_the_clip() -> None:
    outputs = [{"uri": "/c/d.mp4"}]
    with pytest.raises(ValueError, match=r"found /c/d\.mp4, which source\.uri reads"):
        Settings.model_validate({"source": {"uri": WHOLE}, "outputs": outputs})


def test_a_puppet_that_becomes_a_file_is_a_conversion() -> None:
    settings = Settings.model_validate(
        {"source": {"uri": WHOLE}, "outputs": [{"uri": "/tmp/out.mp4"}]}
    )
    assert settings.conversion
    assert (settings.source_in_use.loop, settings.source_in_use.pace) == (False, "fast")
