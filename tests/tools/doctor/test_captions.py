"""What doctor says of captions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.captions.draw import CaptionDrawer
from appliance.config.settings import Settings
from appliance.errors import MissingDependency
from appliance.tools.doctor.captions import captions
from tests.captions.fonts import drawer_for


def settings_of(**look: Any) -> Settings:
    return Settings.model_validate({"stages": {"captions": {"enabled": True, **look}}})


def test_nothing_while_they_are_off() -> None:
    assert captions(Settings()) == []


def test_what_is_there_and_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    drawer_for()
    real = CaptionDrawer.lacks
    assert captions(settings_of())[0].what == "drawing"
    monkeypatch.setattr(
        CaptionDrawer, "lacks",
        lambda self, text, look: text if text[0] in "あ🙂" else real(self, "A", look),
    )  # fmt: skip
    gaps = [one for one in captions(settings_of(font="No Such Family")) if one.state == "gap"]
    assert "'No Such Family'" in gaps[0].detail
    assert [(one.detail, one.packages) for one in gaps[1:]] == [
        ("none for Japanese", ("fonts-noto-cjk",)),
        ("none for emoji", ("fonts-noto-color-emoji",)),
    ]


def test_a_font_that_is_none(tmp_path: Path) -> None:
    drawer_for()
    (found,) = captions(settings_of(font=str(tmp_path / "a.ttf")))
    assert (found.state, found.what) == ("bad", "stages.captions.font")


def test_without_pango(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise MissingDependency("captions are drawn by Pango")

    monkeypatch.setattr("appliance.captions.draw.libraries", none)
    (found,) = captions(settings_of())
    assert found.packages == ("gir1.2-pango-1.0", "python3-gi-cairo")
    assert found.state == "gap"
