from __future__ import annotations

import pytest

from appliance.playout.script import ActionCue, Script, ScriptError, parse


def test_cues_are_taken_out_and_keep_their_place() -> None:
    script = parse("Hello! [action:wave] How are you?", {"wave"})
    assert script == Script("Hello! How are you?", (ActionCue(6, "wave"),))
    assert parse("[action:wave]", {"wave"}) == Script("", (ActionCue(0, "wave"),))


def test_what_cannot_be_said_becomes_a_space_and_emoji_stay() -> None:
    assert parse("a\x00b\ud800c\n👩‍👩‍👧 و", set()).text == "a b c\n👩‍👩‍👧 و"


@pytest.mark.parametrize("text", ["", " \n\t", "\x00"])
def test_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(ScriptError, match="the text is empty"):
        parse(text, set())


def test_unknown_actions_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(ScriptError, match=r"\[action:dance\].*expected one of: nod, wave"):
        parse("x [action:dance]", {"wave", "nod"}, "nod, wave")
    with pytest.raises(ScriptError, match="no such action; this avatar has no actions"):
        parse("x [action:dance]", set())


def test_a_text_of_a_hundred_thousand_characters_is_the_longest() -> None:
    assert len(parse("a" * 100_000, set()).text) == 100_000
    with pytest.raises(ScriptError, match="100,001 characters"):
        parse("a" * 100_001, set())
