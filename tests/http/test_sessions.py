"""Avatars by HTTP: what is said, done and told; sessions; and all that can be asked wrongly."""

from __future__ import annotations

import base64
import socket
import threading

import pytest

from appliance.avatars.avatar import avatar_folders
from appliance.http import guard
from appliance.http.permitted import Places, source_refusal
from tests.avatars import make_tiny_avatar
from tests.http.serving import Served, as_json, problem, wait_until
from tests.http.theatre import AVATAR, MAIN, Reader, playout_of, recording

WAV = {"Content-Type": "audio/wav"}


def say(theatre: Served, text: str, **more: str) -> int:
    answer = theatre.client.post(f"{MAIN}/speak", json={"text": text, **more})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["number"])


def waited_for_a_place(theatre: Served) -> Reader:
    found: list[Reader] = []

    def there_is_one() -> bool:
        found.append(Reader(theatre))
        return found[-1].status == 200 or found[-1].close() is not None

    wait_until(there_is_one)
    return found[-1]


def state_of(theatre: Served, number: int) -> str:
    turns = as_json(theatre.client.get(MAIN))["turns"]
    return str(next(turn["state"] for turn in turns if turn["number"] == number))


def test_a_text_from_asked_to_said(theatre: Served) -> None:
    with Reader(theatre) as reader:
        number = say(theatre, "Hello you. [action:wave] Good bye.")
        end = reader.until("finished", number)
        kinds = [(one["kind"], one["turn"]) for one in reader.events]
        # The action is begun when the clip that is on lets it.
        reader.until("action", number)
    words = [one["data"]["word"] for one in reader.events if one["kind"] == "word"]
    assert words == ["Hello", "you.", "Good", "bye."]
    kinds = [kind for kind, turn in kinds if turn == number and kind != "action"]
    assert kinds == [
        "queued", "started", "caption", "word", "word", "word", "word", "finished"
    ]  # fmt: skip
    assert end["data"] == {"heard_s": 0.4}
    # A word is told in the very frame in which it begins to be heard.
    first = next(one for one in reader.events if one["kind"] == "word")
    ticks = [one["tick"] - first["tick"] for one in reader.events if one["kind"] == "word"]
    assert ticks == [0, 2, 5, 7]
    numbers = [one["number"] for one in reader.events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [name for _, name in reader.names] == [one["kind"] for one in reader.events]
    assert [one for one, _ in reader.names] == numbers
    assert b"text/event-stream" in reader.head
    captions = theatre.client.get(f"{MAIN}/captions.vtt")
    assert captions.headers["content-type"].startswith("text/vtt")
    assert captions.text.startswith("WEBVTT\n\n")
    assert "Hello you." in captions.text
    assert "-->" in captions.text


def test_a_reader_who_comes_back_misses_nothing(theatre: Served) -> None:
    with Reader(theatre) as reader:
        number = say(theatre, "One two three.")
        last = reader.until("finished", number)["number"]
        all_of_it = [one["number"] for one in reader.events]
    middle = all_of_it[2]
    for head, query in ((f"Last-Event-ID: {middle}\r\n", ""), ("", f"?after={middle}")):
        with Reader(theatre, head=head, query=query) as again:
            again.until("finished", number)
            # What came after it may be there, too: that it idles again, say.
            found = [one["number"] for one in again.events if one["number"] <= last]
            assert found == list(range(middle + 1, last + 1))
    # Its source was opened anew meanwhile, and events count from 1 again.
    with Reader(theatre, query=f"?after={last + 1000}") as stranger:
        stranger.until("finished", number)
        assert stranger.events[0]["number"] == 1
    for wrong in ("-1", "x", "9" * 30, "%F0%9F%98%80"):
        answer = theatre.client.get(f"{MAIN}/events", params={"after": wrong})
        assert "expected the number of an event" in problem(answer, 422)


def test_more_readers_than_there_are_places(theatre: Served) -> None:
    most = theatre.server.settings.connections // 2
    places = theatre.site.event_places
    # Those of readers before us, too: the server sees a moment later that they have gone.
    wait_until(lambda: places._value == places._initial_value)
    readers = [Reader(theatre) for _ in range(most)]
    try:
        with Reader(theatre) as one_more:
            assert one_more.status == 503
            assert b"retry-after: 5" in one_more.head.lower()
        # Everything else is answered.
        assert theatre.client.get("/api/status").status_code == 200
    finally:
        for reader in readers:
            reader.close()
    with waited_for_a_place(theatre) as reader:
        assert reader.status == 200


def test_a_reader_who_reads_nothing_is_let_go(
    theatre: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SEND_S", 0.2)
    places = theatre.site.event_places
    with socket.socket() as sleeper:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect(theatre.address)
        sleeper.sendall(f"GET {MAIN}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_until(lambda: places._value == places._initial_value - 1)

        def let_go() -> bool:
            # More and more: how much a socket holds is the system's affair.
            playout_of(theatre).events.add("caption", 0, 0, 0.0, text="x" * 60_000)
            return bool(places._value == places._initial_value)

        wait_until(let_go)


def test_one_after_the_other_or_at_once(theatre: Served) -> None:
    long = "word " * 100
    first, second = say(theatre, long), say(theatre, "Second.")
    wait_until(lambda: state_of(theatre, first) == "speaking")
    assert state_of(theatre, second) == "queued"
    third = say(theatre, "Third.", interrupt="replace")
    assert {state_of(theatre, first), state_of(theatre, second)} == {"interrupted"}
    wait_until(lambda: state_of(theatre, third) == "finished")
    fourth = say(theatre, long)
    wait_until(lambda: state_of(theatre, fourth) == "speaking")
    assert as_json(theatre.client.post(f"{MAIN}/interrupt")) == {"ended": 1}
    assert state_of(theatre, fourth) == "interrupted"
    assert as_json(theatre.client.post(f"{MAIN}/interrupt")) == {"ended": 0}


def test_recorded_speech(theatre: Served) -> None:
    data = recording(0.3)
    in_words = base64.b64encode(data).decode()
    with Reader(theatre) as reader:
        for answer in (
            theatre.client.post(f"{MAIN}/speak?text=\u4f60", content=data, headers=WAV),
            theatre.client.post(f"{MAIN}/speak", json={"wav": in_words, "text": "\u4f60\u597d"}),
            theatre.client.post(
                f"{MAIN}/speak?text=\u4f60+[action:wave]+\u597d", content=data,
                headers={"Content-Type": "audio/x-wav"},
            ),
        ):  # fmt: skip
            assert answer.status_code == 201, answer.text
            number = answer.json()["number"]
            assert reader.until("finished", number)["data"] == {"heard_s": 0.3}
        assert answer.json()["text"] == "\u4f60 \u597d"
        assert answer.json()["cues"] == ["wave"]
        reader.until("action", number)


def test_an_action(theatre: Served) -> None:
    assert as_json(theatre.client.get(MAIN))["avatar"]["actions"] == ["wave"]
    with Reader(theatre) as reader:
        answer = theatre.client.post(f"{MAIN}/play", json={"action": "wave"})
        assert answer.status_code == 201
        done = reader.until("action", answer.json()["number"])
    assert done["data"] == {"action": "wave"}
    words = problem(theatre.client.post(f"{MAIN}/play", json={"action": "dance"}), 422)
    assert "expected one of: wave" in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the text is empty"), (" \n\t", "the text is empty"), ("\x00", "the text is empty"),
        ("\U0001f600\U0001f44d", "nothing that can be said"), ("?!…", "nothing that can be said"),
        ("x" * 100_001, "the text has 100,001 characters; expected at most"),
        ("hi [action:dance]", "expected one of: wave"),
        ("[action:]", "expected one of: wave"), ("[action:../x]", "expected one of: wave"),
    ],
)  # fmt: skip
def test_texts_that_cannot_be_said(theatre: Served, text: str, words: str) -> None:
    assert words in problem(theatre.client.post(f"{MAIN}/speak", json={"text": text}), 422)


def test_texts_that_can(theatre: Served) -> None:
    assert state_of(theatre, say(theatre, "x" * 100_000)) in ("queued", "speaking")
    assert say(theatre, "a\x00b \U0001f600 \x1b[0m", interrupt="replace") > 0
    lone = theatre.client.post(
        f"{MAIN}/speak", content=b'{"text": "a\\ud800b"}',
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert "text" in problem(lone, 422) or "JSON" in lone.text


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b"hello", "text/plain", 415, "expected application/json or audio/wav"),
        (b"hello", "", 415, "no Content-Type"),
        (b"", "audio/wav", 422, "found nothing; expected a WAV"),
        (b"ID3xxxxxxxxxxxx", "audio/wav", 422, "found an MP3"),
        (recording(0.1)[:30], "audio/wav", 422, "cut off"),
        (b'{"wav": ""}', "application/json", 422, "found nothing; expected a WAV"),
        (b'{"wav": "*"}', "application/json", 422, "not base64"),
        ('{"wav": "é"}'.encode(), "application/json", 422, "not base64"),
        (b'{"text": 1}', "application/json", 422, "text"),
        (b'{"txt": "a"}', "application/json", 422, "txt"),
        (b'{"text": "a", "interrupt": "now"}', "application/json", 422, "interrupt"),
        (b"{", "application/json", 422, "JSON"),
        (b"[]", "application/json", 422, "body"),
    ],
)
def test_what_cannot_be_spoken(
    theatre: Served, body: bytes, kind: str, status: int, words: str
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = theatre.client.post(f"{MAIN}/speak", content=body, headers=headers)
    assert words in problem(answer, status)


def test_too_large_a_recording(theatre: Served) -> None:
    most = 20 * 10**6
    head = f"POST {MAIN}/speak HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\n"
    answer = theatre.raw(f"{head}Content-Length: {most + 1}\r\nConnection: close\r\n\r\n".encode())
    assert b" 413 " in answer
    assert b"at most 20000000 bytes" in answer


def test_one_large_recording_at_a_time(theatre: Served) -> None:
    assert theatre.site.uploading.acquire(timeout=1)
    try:
        large = recording(40)
        answer = theatre.client.post(f"{MAIN}/speak", content=large, headers=WAV)
        assert "another upload" in problem(answer, 503)
        assert answer.headers["retry-after"] == "5"
        assert say(theatre, "Small ones pass.") > 0
    finally:
        theatre.site.uploading.release()


def test_more_turns_than_may_wait(theatre: Served) -> None:
    say(theatre, "word " * 200)
    for _ in range(63):
        playout_of(theatre).play("wave")
    answer = theatre.client.post(f"{MAIN}/play", json={"action": "wave"})
    assert "64 turns wait already" in problem(answer, 503)
    assert answer.headers["retry-after"] == "5"


def test_what_there_is_not(theatre: Served, appliance: Served) -> None:
    ask = theatre.client
    nobody = "/api/sessions/nobody"
    for method, path in (
        ("GET", ""), ("DELETE", ""), ("POST", "/interrupt"), ("GET", "/events"),
        ("GET", "/captions.vtt"),
    ):  # fmt: skip
        assert "no session 'nobody'" in problem(ask.request(method, nobody + path), 404)
    assert "no session" in problem(ask.post(f"{nobody}/speak", json={"text": "a"}), 404)
    assert "no session" in problem(ask.post(f"{nobody}/play", json={"action": "wave"}), 404)
    assert "no session" in problem(ask.post(f"{nobody}/voice", content=b"ab"), 404)
    assert "ends with the box" in problem(ask.delete(MAIN), 409)
    # Its own source is a camera, so to speak.
    other = appliance.client
    assert as_json(other.get(MAIN))["avatar"] is None
    for answer in (
        other.post(f"{MAIN}/speak", json={"text": "a"}), other.post(f"{MAIN}/interrupt"),
        other.get(f"{MAIN}/events"), other.get(f"{MAIN}/captions.vtt"),
        other.post(f"{MAIN}/voice", content=b"ab"),
    ):  # fmt: skip
        assert "plays no avatar now; a source of its kind is written avatar://NAME" in problem(
            answer, 409
        )


def test_a_session_from_begin_to_end(theatre: Served) -> None:
    ask = theatre.client
    listed = as_json(ask.get("/api/sessions"))
    assert listed["avatars"] == [AVATAR]
    assert listed["most"] == 1
    assert [one["id"] for one in listed["sessions"]] == ["main"]
    for body, words in (
        ({"avatar": "nobody"}, "nobody"), ({"avatar": "../x"}, "name"), ({"avatar": ""}, "avatar"),
        ({}, "avatar"), ({"avatar": AVATAR, "label": "a\nb"}, "printable"),
        ({"avatar": AVATAR, "label": "x" * 81}, "label"),
        ({"avatar": AVATAR, "background": "colour:#zz"}, "#zz"),
    ):  # fmt: skip
        answer = ask.post("/api/sessions", json=body)
        assert answer.status_code in (409, 422), (body, answer.text)
        assert words in answer.json()["error"], (body, answer.text)
    begun = ask.post(
        "/api/sessions",
        json={"avatar": AVATAR, "background": "colour:#00ff00", "label": "Desk"},
    )  # fmt: skip
    assert begun.status_code == 201, begun.text
    path = f"/api/sessions/{begun.json()['id']}"
    try:
        refused = ask.post("/api/sessions", json={"avatar": AVATAR})
        assert "sessions.most allows (1)" in problem(refused, 503)
        assert refused.headers["retry-after"] == "5"
        with Reader(theatre, path) as reader:
            number = ask.post(f"{path}/speak", json={"text": "Mine."}).json()["number"]
            reader.until("finished", number)
            assert [one["label"] for one in as_json(ask.get("/api/sessions"))["sessions"]] == [
                "", "Desk"
            ]  # fmt: skip
            # Another's turns and events are its own.
            assert as_json(ask.get(MAIN))["turns"] != as_json(ask.get(path))["turns"]
            session = theatre.daemon.sessions.get(begun.json()["id"])
            session._touched -= 100
            ask.get(f"{path}/captions.vtt")
            assert as_json(ask.get(path))["idle_s"] > 99, "reading is no use of it"
            ask.post(f"{path}/interrupt")
            assert as_json(ask.get(path))["idle_s"] < 99
            assert ask.delete(path).status_code == 200
            reader.to_the_end()
    finally:
        ask.delete(path)
    assert "has ended: it was ended by request" in problem(ask.get(path), 404)
    assert "has ended" in problem(ask.get(f"{path}/events"), 404)


def test_two_speak_at_once_and_others_interrupt(theatre: Served) -> None:
    """Every moment of a turn; after it the avatar is silent, and nothing is left behind."""
    playout = playout_of(theatre)
    wrong: list[int] = []

    def ask(path: str, times: int, **body: str) -> None:
        for _ in range(times):
            answer = theatre.client.post(f"{MAIN}/{path}", json=body)
            if answer.status_code not in (200, 201):
                wrong.append(answer.status_code)

    threads = [
        threading.Thread(target=ask, args=("speak", 8), kwargs={"text": "One two. Three."}),
        threading.Thread(
            target=ask,
            args=("speak", 8),
            kwargs={"text": "Ah. [action:wave]", "interrupt": "replace"},
        ),
        threading.Thread(target=ask, args=("interrupt", 20)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    theatre.client.post(f"{MAIN}/interrupt")
    assert all(turn.state not in ("queued", "speaking") for turn in playout.turns())
    after = say(theatre, "And on.")
    wait_until(lambda: state_of(theatre, after) == "finished")


def test_a_page_from_elsewhere(theatre: Served) -> None:
    evil = {"Origin": "http://evil.example"}
    for path in ("speak", "voice", "play", "interrupt"):
        answer = theatre.client.post(f"{MAIN}/{path}", headers=evil)
        assert "other sites" in problem(answer, 403)
    site = {"Sec-Fetch-Site": "cross-site"}
    assert "other sites" in problem(theatre.client.get(f"{MAIN}/events", headers=site), 403)
    assert "other sites" in problem(theatre.client.delete("/api/sessions/x", headers=evil), 403)


def test_figures_of_the_avatar(theatre: Served) -> None:
    before = _figure(theatre, "mattebox_avatar_turns_total")
    say(theatre, "Hello.")
    assert _figure(theatre, "mattebox_avatar_turns_total") == before + 1
    assert _figure(theatre, "mattebox_avatar_underruns_total") >= 0
    assert _figure(theatre, "mattebox_sessions") == 0


def test_an_avatar_is_chosen_as_the_boxs_own_source_by_its_name_only(theatre: Served) -> None:
    (home,) = avatar_folders()
    make_tiny_avatar(home / "berta")
    for uri in (f"avatar://{home}/berta", "avatar://../berta", "avatar://nobody"):
        refused = theatre.client.patch("/api/source", json={"uri": uri})
        assert "avatar://berta" in problem(refused, 422)
        places = Places(home, home, avatars=frozenset({"avatar://berta"}))
        assert "not among those found here" in (source_refusal(uri, places) or "")
        assert source_refusal("avatar://berta", places) is None
    for name in ("berta", AVATAR):
        as_json(theatre.client.patch("/api/source", json={"uri": f"avatar://{name}"}))
        assert playout_of(theatre).avatar.name == name


def _figure(served: Served, name: str) -> float:
    lines = served.client.get("/metrics").text.splitlines()
    return float(next(line.split(" ")[1] for line in lines if line.startswith(f"{name} ")))
