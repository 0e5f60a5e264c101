"""Captions drawn by the real Pango: where, how wide, in which colours, and what is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.captions.draw import DrawnCaption
from appliance.captions.fonts import missing, package_for
from appliance.config.settings.stages.captions import CaptionsSettings
from appliance.errors import InputError
from tests.captions.fonts import drawer_for

WIDTH, HEIGHT = 640, 360
TEXTS = {
    "en": "Good evening, and welcome to the show: we have a great deal to talk about.",
    "zh-Hans": "晚上好，欢迎收看今晚的节目，我们今天有很多话题要跟大家聊一聊。",
    "ja": "こんばんは。今夜の番組へようこそ。お話ししたいことがあります。",
    "ar": "مساء الخير، أهلاً بكم في برنامجنا الليلة، لدينا الكثير من المواضيع.",
    "he": "ערב טוב וברוכים הבאים לתוכנית שלנו הערב, יש לנו הרבה אורחים.",
    "emoji": "🎉🎊🥳",
    "mixed": "Mattebox אומר שלום 3.5 مرحبا — 你好 🙂",
}


def drawn(text: str, language: str = "", **more: Any) -> DrawnCaption:
    settings = CaptionsSettings.model_validate(more)
    page = drawer_for(text).draw(text, language, settings, WIDTH, HEIGHT)
    assert page is not None
    return page


def letters(page: DrawnCaption) -> np.ndarray:
    """Where something is drawn that is not the dark box."""
    return page.bgra[..., :3].max(axis=2) > 100


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("place", ["bottom", "top"])
def test_scripts(name: str, place: str) -> None:
    page = drawn(TEXTS[name], name if len(name) < 8 else "", place=place, margin=0.1)
    rows, columns = page.bgra.shape[:2]
    assert (rows | columns | page.x | page.y) % 2 == 0
    assert page.x >= 0.08 * WIDTH
    assert abs(page.x - (WIDTH - page.x - columns)) <= 2, "in the middle"
    edge = page.y if place == "top" else HEIGHT - page.y - rows
    assert edge == 36
    there = letters(page)
    assert 0.03 < there.mean() < 0.6
    outermost = np.concatenate((there[:2].ravel(), there[-2:].ravel(), there[:, :6].ravel()))
    assert not outermost.any(), "the box has room around them"
    assert (page.bgra[..., :3].max(axis=2) <= page.bgra[..., 3]).all(), "premultiplied"


def test_lines_are_balanced() -> None:
    """A greedy break would leave one word alone."""
    page = drawn("These are some words of which the last one would stand alone", "en")
    halves = np.array_split(letters(page), 2)
    wide = [np.ptp(np.flatnonzero(half.any(axis=0))) for half in halves]
    assert sum(wide) > 0.7 * WIDTH
    assert min(wide) > 0.75 * max(wide)


def test_right_to_left_begins_on_the_right() -> None:
    """By the language, though a foreign name stands first."""
    for language, first_half in (("he", False), ("en", True)):
        there = letters(drawn("MMMM ו", language)).any(axis=0)
        ink = np.flatnonzero(there)
        gap = int(np.diff(ink).argmax())
        assert (gap > len(ink) / 2) == first_half, language


def test_emoji_keep_their_colours() -> None:
    page = drawn("🍏🍎", box=0.0, outline=0.0, colour="#ffffff")
    blue, green, red = (page.bgra[..., k].astype(int) for k in range(3))
    assert (green - red > 60).any()
    assert (red - green > 60).any()
    assert (np.abs(blue - red) > 60).any()


def test_colours_box_and_edge() -> None:
    look = {"colour": "#ffcc00", "box_colour": "#102030"}
    page = drawn("Hello", box=0.5, outline=0.0, **look)
    assert tuple(page.bgra[4, 20]) == (24, 16, 8, 128)
    opaque = page.bgra[page.bgra[..., 3] == 255]
    assert (np.abs(opaque[:, :3].astype(int) - (0, 204, 255)).max(axis=1) <= 2).any()
    bare = drawn("Hello", box=0.0, outline=0.0, **look)
    edged = drawn("Hello", box=0.0, outline=0.15, **look)
    assert (bare.bgra[..., 3] > 0).sum() < (edged.bgra[..., 3] > 0).sum()
    assert not bare.bgra[:2].any()


def test_a_long_cue_comes_in_parts() -> None:
    text = " ".join(f"word{k}" for k in range(60))
    whole = drawn(text, "en")
    assert len(whole.parts) > 2
    assert " ".join(whole.parts) == text
    for part in whole.parts:
        page = drawn(part, "en")
        assert page.parts == (part,)
        assert page.bgra.shape[0] <= whole.bgra.shape[0]
    assert np.array_equal(drawn(whole.parts[0], "en").bgra, whole.bgra)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000, "\n".join("ab" * 50_000), "🎉" * 5_000, "a" + "\u0301" * 5_000,
        "\u202e abc \u2066\u2066\u2066 שלום \u202d" * 50, "a\x00\ud800\x07b", "\ufdfd" * 300,
    ],
)  # fmt: skip
def test_bad_texts_stay_within_the_picture(text: str) -> None:
    for width, height, size in ((WIDTH, HEIGHT, 0.05), (33, 17, 0.2), (2, 2, 0.2), (1, 9, 0.05)):
        settings = CaptionsSettings(size=size, margin=0.4)
        try:
            page = drawer_for().draw(text, "", settings, width, height)
        except InputError:
            continue
        if page is not None:
            rows, columns = page.bgra.shape[:2]
            assert 0 <= page.x <= width - columns
            assert 0 <= page.y <= height - rows


def test_nothing_to_see_is_no_picture() -> None:
    assert drawer_for().draw(" \x00\u200b\n", "", CaptionsSettings(), WIDTH, HEIGHT) is None


def test_a_character_without_a_font_is_left_out() -> None:
    unknown = "\U0010fffd"
    page = drawer_for().draw(f"abc{unknown}d", "", CaptionsSettings(), WIDTH, HEIGHT)
    assert page is not None
    assert np.array_equal(page.bgra, drawn("abcd").bgra)
    with pytest.raises(InputError, match=r"U\+10FFFD"):
        drawer_for().draw(unknown * 3 + "a", "", CaptionsSettings(), WIDTH, HEIGHT)


def test_a_font_by_its_file(tmp_path: Path) -> None:
    plain = drawn("Hello")
    found = list(Path("/usr/share/fonts").rglob("DejaVuSerif-Bold.ttf"))
    if not found:
        pytest.skip("DejaVu's serifs are not installed")
    copy = tmp_path / "of its own.ttf"
    copy.write_bytes(found[0].read_bytes())
    by_file = drawn("Hello", font=str(copy))
    assert by_file.bgra.shape[1] > 1.1 * plain.bgra.shape[1]
    assert np.array_equal(by_file.bgra, drawn("Hello", font="DejaVu Serif Bold").bgra)


@pytest.mark.parametrize("content", [None, b"", b"no font at all"])
def test_a_file_that_is_no_font(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.ttf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a font"):
        drawn("Hello", font=str(path))


def test_who_has_what_is_missing() -> None:
    assert [package_for(c) for c in "你あ한ก🎉"] == [
        "fonts-noto-cjk", "fonts-noto-cjk", "fonts-noto-cjk", "fonts-noto-core",
        "fonts-noto-color-emoji",
    ]  # fmt: skip
    assert missing("你🎉").endswith("apt install fonts-noto-cjk fonts-noto-color-emoji")
    assert "and 3 more" in missing("一二三四五六七八")
