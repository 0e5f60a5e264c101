"""The configuration file over HTTP: without secrets, checked at the line, saved once only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http.serving import Served, as_json, problem, serving, settings_of

YAML = {"Content-Type": "application/yaml"}
TOKEN = "let-me-in-please"
PASSWORD = "read-me-please"


def settings(folder: Path, room: Path, network: Path, **http: Any) -> dict[str, Any]:
    data = settings_of(room, network, folder, recordings="takes", token=TOKEN, **http)
    return data | {"rtsp": {"password": PASSWORD}}


@pytest.fixture(scope="module")
def limited(
    tmp_path_factory: pytest.TempPathFactory, network: Path, room: Path
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("editor")
    with serving(folder, settings(folder, room, network)) as served:
        yield served


@pytest.fixture
def served(limited: Served) -> Iterator[Served]:
    text = limited.path.read_text()
    yield limited
    limited.path.write_text(text)
    assert limited.reloader.ask().result(10).refusal is None


def text_of(served: Served) -> tuple[str, str]:
    """The text as shown, and its version."""
    answer = served.client.get("/api/config")
    found = as_json(answer)
    assert answer.headers["etag"] == f'"{found["version"]}"'
    return found["text"], found["version"]


def check(served: Served, text: str) -> list[Any]:
    found = as_json(served.client.post("/api/config/check", content=text.encode(), headers=YAML))
    mistakes: list[Any] = found["mistakes"]
    return mistakes


def save(served: Served, text: str, version: str) -> Any:
    headers = YAML | {"If-Match": f'"{version}"'}
    return served.client.put("/api/config", content=text.encode(), headers=headers)


def test_it_is_shown_without_secrets(served: Served) -> None:
    text, _ = text_of(served)
    assert TOKEN not in text
    assert PASSWORD not in text
    assert text.startswith("# my studio\n")
    assert text.count("***") == 2


def test_it_is_saved_with_mode_and_comments_and_taken_over(served: Served) -> None:
    served.path.chmod(0o640)
    text, version = text_of(served)
    done = as_json(save(served, text + "edge:\n  softness: 3.5  # soft\n", version))
    assert (done["applied"], done["words"]) == (True, "Saved, and in use.")
    assert served.daemon.settings.edge.softness == 3.5
    written = served.path.read_text()
    assert TOKEN in written
    assert PASSWORD in written
    assert written.endswith("# soft\n")
    assert stat.S_IMODE(os.stat(served.path).st_mode) == 0o640
    assert [p.name for p in served.path.parent.glob(".config*")] == []
    # Cut off on purpose: who saves here means it.
    again = as_json(save(served, text, done["version"]))
    assert again["applied"]
    assert served.daemon.settings.edge.softness == 0.0


def test_two_editors_do_not_overwrite_each_other(served: Served) -> None:
    text, version = text_of(served)
    as_json(save(served, text + "# mine\n", version))
    refused = problem(save(served, text + "# yours\n", version), 412)
    assert "was saved by somebody else" in refused
    assert served.path.read_text().endswith("# mine\n")
    headers = YAML
    bare = served.client.put("/api/config", content=text.encode(), headers=headers)
    assert "If-Match is missing" in problem(bare, 428)


def test_a_file_that_was_broken_by_hand_is_mended_here(served: Served) -> None:
    before = served.path.read_text()
    served.path.write_text(before + "edge:\n  softnes: 2\n")
    assert served.reloader.ask().result(10).refusal is not None
    text, version = text_of(served)
    [mistake] = check(served, text)
    assert mistake["line"] == text.count("\n")
    done = as_json(save(served, text.replace("softnes:", "softness:"), version))
    assert done["applied"]
    assert served.daemon.settings.edge.softness == 2
    assert served.path.read_text() == before + "edge:\n  softness: 2\n"


def test_mistakes_have_their_lines_and_nothing_is_saved(served: Served) -> None:
    before = served.path.read_text()
    text, version = text_of(served)
    wrong = text + "edge:\n  softnes: 3\n  choke: far\n"
    lines = wrong.count("\n")
    found = check(served, wrong)
    assert [(m["line"], m["key"]) for m in found] == [
        (lines - 1, "edge.softnes"), (lines, "edge.choke"),
    ]  # fmt: skip
    assert "did you mean softness?" in found[0]["message"]
    assert "found far; expected a number" in found[1]["message"]
    assert found[1]["column"] == 10
    assert f":{lines}:10: edge.choke" in problem(save(served, wrong, version), 422)
    assert served.path.read_text() == before
    assert check(served, text) == []


GARBAGE = {
    "no yaml": (b"a: [", "not YAML"),
    "a list": (b"- 1\n", "expected sections"),
    "deep": (b"[" * 5000, "nested more than 16 deep"),
    "aliases": (b"a: &a [1]\nb: *a\n", "anchor"),
    "nothing": (b"", "is empty"),
    "control characters": (b"a: \x07\n", "control character"),
}


@pytest.mark.parametrize(("data", "words"), GARBAGE.values(), ids=GARBAGE)
def test_garbage_has_a_message(served: Served, data: bytes, words: str) -> None:
    answer = served.client.post("/api/config/check", content=data, headers=YAML)
    assert any(words in mistake["message"] for mistake in as_json(answer)["mistakes"])


def test_what_is_no_text_or_too_much_is_refused(served: Served) -> None:
    def post(content: bytes, **headers: str) -> Any:
        return served.client.post("/api/config/check", content=content, headers=YAML | headers)

    assert "line 2: not UTF-8" in problem(post(b"a: 1\nb: \xff\n"), 422)
    assert "expected application/yaml" in problem(post(b"", **{"Content-Type": "text/plain"}), 415)
    assert "at most 1000000 bytes" in problem(post(b"#" * 1_000_001), 413)


@pytest.mark.parametrize(
    ("more", "key", "words"),
    [
        ("source:\n  uri: /etc/passwd\n", "source.uri", "not among those found here"),
        ("source:\n  uri: rtsp://10.0.0.9/x\n", "source.uri", "not among those found here"),
        ("background:\n  uri: /etc/shadow.png\n", "background.uri", "one of the folder"),
        ("outputs:\n- uri: /etc/x.mp4\n", "outputs.0.uri", "go to"),
        ("outputs:\n- uri: rtsp://127.0.0.1:0/${env:HOME}\n", "outputs.0.uri", "reference"),
        ("matting:\n  model: /tmp/evil\n", "matting.model", "names a file"),
        ("rtsp:\n  insecure: true\n", "rtsp.", "who may come in"),
        ("rtsp:\n  password: something-else\n", "rtsp.", "who may come in"),
        ("http:\n  token: none\n", "http.", "who may come in"),
        ("source:\n  sound: alsa://hw:1\n", "source.sound", "listened to"),
        ("voice:\n  url: http://10.0.0.9/x\n", "voice.url", "an address"),
        ("voice:\n  token: something-else\n", "voice.token", "is a secret"),
        (
            "scenes:\n- name: a\n  settings: {source: {uri: /etc/passwd}}\n",
            "scenes.0.settings.source.uri",
            "not among those found here",
        ),
        ("stages:\n  style: {enabled: true, look: ../x.cube}\n", "stages.style.look", "a file"),
    ],
)
def test_limited_is_limited(served: Served, more: str, key: str, words: str) -> None:
    before = served.path.read_text()
    text, version = text_of(served)
    section = more.partition(":")[0]
    rest = [part for part in _sections(text) if not part.startswith(f"{section}:")]
    found = check(served, "".join(rest) + more)
    mistake = next(m for m in found if m["key"].startswith(key))
    assert words in mistake["message"]
    assert "http.editor: full" in mistake["message"]
    assert mistake["line"] > 0
    save(served, "".join(rest) + more, version)
    assert served.path.read_text() == before


def _sections(text: str) -> list[str]:
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        if line[:1].isalpha() or not parts:
            parts.append("")
        parts[-1] += line
    return parts


def test_a_missing_file_is_not_looked_for_on_behalf_of_who_may_not_name_it(served: Served) -> None:
    text, _ = text_of(served)
    [here] = check(served, text + "edge: {softness: 1}\nmatting: {model: /etc/hostname}\n")[:1]
    [none] = check(served, text + "edge: {softness: 1}\nmatting: {model: /etc/nonesuch}\n")[:1]
    assert here["message"].replace("hostname", "") == none["message"].replace("nonesuch", "")


def test_full_is_full_off_is_off(tmp_path: Path, network: Path, room: Path) -> None:
    with serving(tmp_path, settings(tmp_path, room, network, editor="full")) as served:
        text, version = text_of(served)
        assert as_json(served.client.get("/api/config"))["may"] == "full"
        changed = text.replace("port: 0", "port: 0\n  viewers: 3") + "canvas: {fps: 30}\n"
        changed = changed.replace("canvas:\n  fps: 15\n", "")
        done = as_json(save(served, changed, version))
        assert not done["applied"]
        assert "cannot change while running" in done["words"]
        assert "viewers: 3" in served.path.read_text()
        served.site.editor = "off"
        assert "http.editor is off" in problem(served.client.get("/api/config"), 403)
