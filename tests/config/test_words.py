"""Settings that are lists of words: written as a text or as a list, kept as a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.config.load import load
from appliance.config.settings import Settings
from appliance.config.write_back import edited
from appliance.errors import ConfigError


def keep(tmp_path: Path, text: str, **how: Any) -> str:
    file = tmp_path / "config.yaml"
    file.write_text(f"stages:\n  select:\n    keep: {text}\n")
    return load(file, **how).stages.select.keep


@pytest.mark.parametrize(
    "text",
    ["[person, chair, dining table]", "person, chair, dining table",
     "'Person,chair, dining  table'", "[person, chair, person, dining table]"],
)  # fmt: skip
def test_a_text_or_a_list(tmp_path: Path, text: str) -> None:
    assert keep(tmp_path, text) == "person, chair, dining table"


def test_from_the_command_line(tmp_path: Path) -> None:
    for text in ("chair, cat", "[chair, cat]"):
        given = keep(tmp_path, "person", overrides=[("stages.select.keep", text)])
        assert given == "chair, cat"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "found an empty list; expected names with commas between them, or a list"),
        ("[chair, [cat]]", "found a list of 1; expected names"),
        ("['chair, cat']", "expected names"),
        ("'chair,,cat'", "expected 1 to 64 names of lower-case letters.*not ''"),
        ("chair; cat", "not 'chair; cat'"),
        ("{chair: 1}", "found a section with chair; expected names"),
    ],
)
def test_what_is_no_list_of_words(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        keep(tmp_path, text)
    assert "stages.select.keep" in str(caught.value)


def test_at_most_so_many() -> None:
    many = ", ".join(f"c{n}" for n in range(65))
    with pytest.raises(ValueError, match="not 65 of them"):
        Settings.model_validate({"stages": {"select": {"keep": many}}})


@pytest.mark.parametrize(
    "text",
    ["stages:\n  select:\n    keep: [person, chair] # both\n    every: 3\n",
     "stages:\n  select:\n    keep:\n      - person\n      - chair\n    every: 3\n"],
)  # fmt: skip
def test_a_list_in_the_file_becomes_the_text_that_was_set(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(edited(text, {"stages.select.keep": "cat, dog"}))
    select = load(file).stages.select
    assert (select.keep, select.every) == ("cat, dog", 3)
