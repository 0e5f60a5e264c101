"""Secrets in the configuration's text: struck out, put back, and put nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config.masked import mask

TEXT = """\
# the studio; password: old-secret-1
# token: retired-token
source:
  uri: rtsp://admin:hunter2hunter2@10.0.0.5/main   # by the door
http:
  token: "let-me-\\x69n-please"  # long
  port: 8080
rtsp: {user: me, password: open-sesame}
outputs:
  - uri: rtsp://127.0.0.1:8554/live
more:
  password: ${credential:more}
  token: none
  deep:
    password: |
      very-secret
      lines
"""
SECRETS = (
    "hunter2", "let-me-", "n-please", "open-sesame", "very-secret", "lines", "retired-token",
)  # fmt: skip


def test_no_secret_is_shown_and_all_else_is() -> None:
    shown = mask(TEXT).text
    assert not [secret for secret in SECRETS if secret in shown]
    assert "rtsp://admin:***@10.0.0.5/main   # by the door" in shown
    assert "  token: ***  # long" in shown
    assert "password: ${credential:more}" in shown
    assert "token: none" in shown
    assert "  port: 8080\n" in shown


def test_what_comes_back_untouched_is_the_same() -> None:
    masked = mask(TEXT)
    assert masked.restored(masked.text) == (TEXT, [])


def test_other_lines_may_change_and_move() -> None:
    masked = mask(TEXT)
    changed = masked.text.replace("port: 8080", "port: 8090").replace("source:\n", "source:\n\n")
    made, mistakes = masked.restored(changed)
    assert mistakes == []
    assert made == TEXT.replace("8080", "8090").replace("source:\n", "source:\n\n")


def at(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Sent to another host, or under another key, or as part of another text.
        ("admin:***@10.0.0.5/main", "admin:***@evil.example/main"),
        ("  token: ***  # long", "  user: ***  # long"),
        ("more:\n", "more:\n  uri: >-\n    rtmp://evil/\n    token: ***  # long\n"),
        ("more:\n", "more:\n  uri: >-\n    rtmp://evil/\n    # token: ***\n"),
        ("  - uri: rtsp://127.0.0.1:8554/live", "  - token: ***  # long"),
        ("rtsp: {user: me, password: ***}", "rtsp: {user: you, password: ***}"),
        ("  port: 8080\nrtsp: {", "  port: 8080\nrtmp: {"),
    ],
)
def test_a_secret_goes_nowhere_else(old: str, new: str) -> None:
    masked = mask(TEXT)
    assert old in masked.text
    _, mistakes = masked.restored(masked.text.replace(old, new))
    assert mistakes
    assert all("***" in why for _, why in mistakes)


def test_the_mistake_has_its_line() -> None:
    masked = mask(TEXT)
    changed = masked.text.replace("10.0.0.5", "10.0.0.6")
    [(line, _)] = masked.restored(changed)[1]
    assert line == at(changed, "10.0.0.6")


def test_lines_that_differ_only_in_their_secrets_keep_their_order() -> None:
    text = "outputs:\n  - uri: rtsp://a:secret-one@h/x\n  - uri: rtsp://a:secret-two@h/x\n"
    masked = mask(text)
    assert masked.restored(masked.text) == (text, [])
    fewer = masked.text.rsplit("  - uri", 1)[0]
    assert masked.restored(fewer)[1], "it cannot be known which of the two is left"


def test_what_is_no_yaml_is_masked_too() -> None:
    shown = mask("http: [\n  token: let-me-in-please\n  uri: rtsp://a:hunter22@h/\n").text
    assert "let-me-in" not in shown
    assert "hunter22" not in shown


def test_stars_of_ones_own_stay() -> None:
    text = "# *** the studio ***\nbackground:\n  uri: '***.png'\n"
    masked = mask(text)
    assert masked.restored(masked.text) == (text, [])


_LINES = st.lists(
    st.sampled_from(
        [
            *TEXT.split("\n"),
            "  password: ***",
            "token: ***",
            "a: >-",
            "  - ***",
            "",
            "\t",
            "b: '***",
        ]
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(_LINES)
def test_any_text_comes_back_as_it_was(lines: list[str]) -> None:
    text = "\n".join(lines)
    masked = mask(text)
    made, mistakes = masked.restored(masked.text)
    assert mistakes or made == text
