"""A text cut into cues: where, and that nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.captions.cut import cut
from appliance.captions.words import clusters, columns_of

FAMILY = "👩‍👩‍👧‍👦"
PARTS = [
    "a", "word", " ", "  ", ".", ", ", "? ", "。", "你", "\n", FAMILY, "e\u0301", "🇩🇪", "م", "ב",
    "(", ")", "\u202f!", "\x00", "\ud800", "ไ", "\u0e34",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language", "want"),
    [
        ("Hello.", "en", ["Hello."]),
        ("One line\nand another\n\n", "en", ["One line", "and another"]),
        (
            "The rain has stopped. We are all going out now, and nobody is left behind.", "en",
            ["The rain has stopped.", "We are all going out now,", "and nobody is left behind."],
        ),
        (
            "I saw Dr. Smith pay 3.50 for it", "en",
            ["I saw Dr. Smith", "pay 3.50 for it"],
        ),
        (
            "今天的天气很好，我们去公园。晚上再回来吃饭，好不好？", "zh-Hans",
            ["今天的天气很好，", "我们去公园。", "晚上再回来吃饭，好不好？"],
        ),
        ("هل أنتم مستعدون؟ سنبدأ بعد قليل.", "ar", ["هل أنتم مستعدون؟", "سنبدأ بعد قليل."]),
        ("Tu viens avec nous ! Oui ou non ?", "fr", ["Tu viens avec nous !", "Oui ou non ?"]),
        ("Τι κάνεις σήμερα; Εγώ είμαι καλά", "el", ["Τι κάνεις σήμερα;", "Εγώ είμαι καλά"]),
        ("x" * 70, "en", ["x" * 23, "x" * 24, "x" * 23]),
        (" \n\t ", "", []),
        ("", "", []),
    ],
)  # fmt: skip
def test_where(text: str, language: str, want: list[str]) -> None:
    assert [cue.text for cue in cut(text, language, most=30 if "rain" in text else 24)] == want


@given(
    st.lists(st.sampled_from(PARTS), max_size=60),
    st.integers(1, 40),
)
def test_nothing_is_lost_nor_broken(parts: list[str], most: int) -> None:
    text = "".join(parts)
    cues = cut(text, "", most)
    rest, at = "", 0
    ends = {0, *clusters(text)}
    for cue in cues:
        assert cue.start >= at
        assert text[cue.start : cue.start + cue.length] == cue.text
        assert cue.text
        assert cue.start in ends
        rest += text[at : cue.start]
        at = cue.start + cue.length
        columns = [max(map(columns_of, cue.text[a:b])) for a, b in _pairs(cue.text)]
        assert sum(columns) <= most or len(columns) == 1
    rest += text[at:]
    assert not rest.strip()


def _pairs(text: str) -> list[tuple[int, int]]:
    ends = list(clusters(text))
    return list(zip([0, *ends], ends, strict=False))


def test_a_flood_takes_no_longer_than_its_length() -> None:
    """It would be quadratic if each cue looked at all that is left."""
    cues = cut("many words, " * 8_000)
    assert len(cues) > 1_000
    assert cut("!" * 50_000)[-1].text


def test_most_is_checked() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        cut("a", "", 0)
