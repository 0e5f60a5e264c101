"""Texts: what can be said, sentences, words, scripts, and what a voice read them as."""

from __future__ import annotations

import pytest

from appliance.voices.scripts import foreign, language_of
from appliance.voices.spelling import aligned
from appliance.voices.text import FIRST, MOST, pieces, says_something, speakable, words


def cut(text: str) -> list[str]:
    return [text[a:b] for a, b in pieces(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi \U0001f600!", "Hi  !"),
        ("\U0001f468\u200d\U0001f469 ok\ufe0f", " \u200d  ok "),
        ("a\x00b\x1b[0m\r\nc", "a b [0m \nc"),
        ("\u2028x\ud800\ue000\u202e", "\nx   "),
        ("20 °C, © ℃ \u2b50 5 €", "20 °C, © ℃   5 €"),
        ("नमस्ते \u0645\u06cc\u200c\u062e", "नमस्ते \u0645\u06cc\u200c\u062e"),
    ],
)
def test_what_nobody_says_becomes_blanks_and_no_place_moves(text, expected):
    assert speakable(text) == expected
    assert len(speakable(text)) == len(text)


def test_sentences_end_where_they_do():
    text = (
        "Dr. Smith and J. K. Rowling came at 9.30, e.g. on Jan. 5th. Really?! “Yes.” I do. He said "
        "no. 7 is his… And then\nthere were none"
    )
    assert cut(text) == [
        "Dr. Smith and J. K. Rowling came at 9.30, e.g. on Jan. 5th.",
        "Really?!",
        "“Yes.”",
        "I do.",
        "He said no. 7 is his…",
        "And then",
        "there were none",
    ]
    assert cut("\u4f60\u597d\u3002\u518d\u89c1\uff01ok") == [
        "\u4f60\u597d\u3002",
        "\u518d\u89c1\uff01",
        "ok",
    ]
    assert cut("\u0645\u0631\u062d\u0628\u0627\u061f \u0646\u0639\u0645") == [
        "\u0645\u0631\u062d\u0628\u0627\u061f",
        "\u0646\u0639\u0645",
    ]


def test_long_sentences_are_cut_at_commas_the_first_one_early():
    clause = "which is of no concern to anybody who was there, "
    parts = cut("It was said, " + clause * 8 + "and so on.")
    assert FIRST / 3 < len(parts[0]) <= FIRST
    assert all(len(part) <= MOST for part in parts)
    assert all(part.endswith(",") for part in parts[:-1])
    whole = (
        "One sentence without a comma stays whole even if it is somewhat longer than the first is."
    )
    assert len(whole) < MOST
    assert cut(whole + " And another.") == [whole, "And another."]


@pytest.mark.parametrize("text", ["x" * 100_000, "a. " * 33_333, "ab " * 33_333, "a, b " * 20_000])
def test_a_hundred_thousand_characters_are_said_piece_by_piece_and_none_is_lost(text):
    spans = list(pieces(text))
    assert max(b - a for a, b in spans) <= MOST
    said = "".join(text[a:b] for a, b in spans)
    assert said.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["", " \n ", "... !?", "," * 1000, "- + * /", "\u200d"])
def test_where_there_is_nothing_to_say_there_is_no_piece(text):
    assert cut(text) == []
    assert not says_something(text)


def test_words_are_as_written_without_what_stands_around_them():
    text = "“Well-known,” $3.20 (don't) 20% word—word U.S. end. #5 नमस्ते \u4f60\u597dok http://a.b/c"
    assert [text[a:b] for a, b in words(text)] == [
        "Well-known", "$3.20", "don't", "20%", "word", "word", "U.S.", "end", "#5", "नमस्ते",
        "\u4f60", "\u597d", "ok", "http", "a.b", "c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello, naïve café", ""),
        ("\u4f60\u597d\uff0cworld", "zh"),
        ("Say \u4f60 now, please, my dear old friend", ""),
        ("\u3053\u3093\u306b\u3061\u306f\u4e16\u754c", "ja"),
        ("\uc548\ub155", "ko"),
        ("Привет", "ru"),
        ("Привіт", "uk"),
        ("سلام چطوری", "fa"),
        ("مرحبا", "ar"),
        ("γεια", "el"),
        ("12 + 3", ""),
    ],
)
def test_a_script_tells_the_language(text, language):
    assert language_of(text) == language
    assert foreign(text) is (bool(language) or "\u4f60" in text)


def test_words_read_out_belong_to_those_that_are_written():
    def owners(written: str, spoken: str) -> list[str]:
        names = written.split()
        return [names[i] for i in aligned(names, spoken.split())]

    assert owners("on Jan. 5th at 9:30am there", "on January fifth at nine thirty A.M. there") == [
        "on", "Jan.", "5th", "at", "9:30am", "9:30am", "9:30am", "there",
    ]  # fmt: skip
    assert owners("5km far", "5 kilometers far") == ["5km", "5km", "far"]
    assert owners("$3.2 billion now", "3.2 billion dollars now")[-1] == "now"
    assert owners("a b", "a b more") == ["a", "b", "b"]
    assert owners("a b c", "a c") == ["a", "c"]
    assert aligned(["a"], []) == []
