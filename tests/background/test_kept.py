"""Stills that are kept: the same picture without decoding it, never one that is not there now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.background.kept import KeptStills
from appliance.config.settings import BackgroundSettings
from appliance.errors import InputError
from appliance.media.frame import Format
from tests.http.serving import picture_file

FORMAT = Format(64, 36)


def uri(path: Path | str) -> BackgroundSettings:
    return BackgroundSettings(uri=str(path))


def test_going_back_takes_the_same_picture(tmp_path: Path) -> None:
    stills, path = KeptStills(), picture_file(tmp_path / "a.png", (200, 20, 20))
    first = stills.make(uri(path), FORMAT)
    first.close()
    assert stills.make(uri("colour:#102030"), FORMAT).picture is not first.picture
    assert stills.make(uri(path), FORMAT).picture is first.picture
    # Asked for otherwise, it is another.
    fit = BackgroundSettings(uri=str(path), fit="fit")
    assert stills.make(fit, FORMAT).picture is not first.picture
    assert stills.make(uri(path), Format(32, 18)).picture is not first.picture


def test_a_file_that_was_saved_or_has_gone_is_not_what_it_was(tmp_path: Path) -> None:
    stills, path = KeptStills(), picture_file(tmp_path / "a.png", (200, 20, 20))
    first = stills.make(uri(path), FORMAT).picture
    os.replace(picture_file(tmp_path / "b.png", (20, 20, 200)), path)
    second = stills.make(uri(path), FORMAT).picture
    assert first is not None
    assert second is not None
    assert (first.uv != second.uv).any()
    path.unlink()
    with pytest.raises(InputError):
        stills.make(uri(path), FORMAT)


def test_no_more_is_kept_than_was_said() -> None:
    each = 64 * 36 * 3 // 2
    stills = KeptStills(most_bytes=2 * each)
    made = {name: stills.make(uri(f"colour:#{name}"), FORMAT).picture
            for name in ("100000", "200000")}  # fmt: skip
    assert stills.make(uri("colour:#100000"), FORMAT).picture is made["100000"]
    stills.make(uri("colour:#300000"), FORMAT)
    # The one used longest ago has gone.
    assert stills.make(uri("colour:#100000"), FORMAT).picture is made["100000"]
    assert stills.make(uri("colour:#200000"), FORMAT).picture is not made["200000"]
    # What is larger than all that may be kept is not kept, and what was is not kept for it.
    assert KeptStills(most_bytes=each - 1).make(uri("gradient://"), FORMAT).picture is not None


def test_what_moves_or_shows_the_room_is_made_anew() -> None:
    stills = KeptStills()
    assert stills.make(uri("blur://"), FORMAT) is not stills.make(uri("blur://"), FORMAT)
