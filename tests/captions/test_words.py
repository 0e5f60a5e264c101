"""What of a text is shown, and what a reader calls one character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.captions.words import MOST_CHARACTERS, clusters, plain_text

FAMILY, FLAG, THUMB = "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽"


def whole(text: str) -> list[str]:
    ends = list(clusters(text))
    return [text[a:b] for a, b in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(
    "parts",
    [
        ["a", "b", " ", "c"],
        ["e\u0301", "x"],
        [FAMILY, FLAG, FLAG, THUMB, "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
        ["न", "म", "स्", "ते"],
        ["\u1112\u1161\u11ab", "글"],
        ["م", "رَّ", "ח", "בָּ"],
        ["\r\n", "\n", "a"],
        [],
    ],
)
def test_clusters(parts: list[str]) -> None:
    assert whole("".join(parts)) == parts


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("  a \t b\r\n\r\n\r\n c ", "a b\nc"),
        ("a\x00b\x1bc\x7f\ud83d\ude00\ufffe", "abc"),
        ("\ud800", ""),
        ("\x00\n\u200b\u200d \u0301", ""),
        ("Bonjour\u202f!", "Bonjour\u202f!"),
        (FAMILY, FAMILY),
        ("", ""),
    ],
)
def test_plain_text(text: str, want: str) -> None:
    assert plain_text(text) == want


def test_a_flood_is_bounded_at_a_whole_character() -> None:
    plain = plain_text(FAMILY * 100_000)
    assert len(plain) <= MOST_CHARACTERS + 1
    assert set(whole(plain[:-1])) == {FAMILY}
    assert plain[-1] == "…"
    assert plain_text("\n" * 100_000) == ""


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_any_text_can_be_written(text: str) -> None:
    plain = plain_text(text)
    plain.encode()
    assert "\n\n" not in plain
    assert plain == plain.strip()
    assert "".join(whole(text)) == text
