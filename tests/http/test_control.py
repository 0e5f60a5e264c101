"""Outputs, recordings, sources, settings and the log over HTTP, on a running appliance."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

from appliance.http import recordings
from appliance.system import log
from tests.http.serving import Served, as_json, get, problem, serving, settings_of, wait_until
from tests.scenes import STAGE

HEAD = {"name", "bytes", "changed"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, network: Path, room: Path) -> Iterator[Served]:
    """An appliance with a folder for recordings of its own, and a token."""
    folder = tmp_path_factory.mktemp("control")
    data = settings_of(room, network, folder, recordings="takes", token="let-me-in-please")
    data["rtsp"] = {"password": "read-me-please"}
    with serving(folder, data) as served:
        yield served


@pytest.fixture
def control(studio: Served) -> Iterator[Served]:
    """The same, with the outputs of its file before and after."""
    text = studio.path.read_text()
    yield studio
    if studio.reloader.extra:
        as_json(studio.client.post("/api/recording", json={"do": "stop"}))
    studio.path.write_text(text)
    assert studio.reloader.ask().result(10).refusal is None


def outputs(served: Served) -> list[Any]:
    found: list[Any] = as_json(served.client.get("/api/outputs"))["outputs"]
    return found


def add(served: Served, uri: str, **more: Any) -> Any:
    return served.client.post("/api/outputs", json={"uri": uri, **more})


def test_an_output_comes_and_goes_and_the_others_stay(control: Served) -> None:
    [first] = outputs(control)
    before = control.daemon.outputs[0]
    answer = as_json(add(control, "rtsp://127.0.0.1:0/second", settings={"keyframe_s": 1.0}))
    assert answer["outputs"][0]["id"] == first["id"]
    second = answer["outputs"][1]
    wait_until(lambda: outputs(control)[1]["state"] == "running")
    assert control.daemon.settings.outputs[1].keyframe_s == 1.0
    assert control.daemon.outputs[0] is before
    assert "second" not in control.path.read_text()
    gone = as_json(control.client.delete(f"/api/outputs/{second['id']}"))
    assert [entry["id"] for entry in gone["outputs"]] == [first["id"]]
    assert control.daemon.outputs == [before]
    assert before.status().state == "running"
    assert "no such output" in problem(control.client.delete(f"/api/outputs/{second['id']}"), 404)


def test_kept_ones_are_in_the_file_with_its_comments(control: Served) -> None:
    before = yaml.safe_load(control.path.read_text())
    answer = as_json(add(control, "rtsp://127.0.0.1:0/kept", keep=True))
    assert answer["note"] is None
    written = yaml.safe_load(control.path.read_text())
    kept = {"uri": "rtsp://127.0.0.1:0/kept"}
    assert written == before | {"outputs": [*before["outputs"], kept]}
    assert control.path.read_text().startswith("# my studio\n")
    last = answer["outputs"][-1]["id"]
    as_json(control.client.delete(f"/api/outputs/{last}?keep=true"))
    assert yaml.safe_load(control.path.read_text()) == before


def test_a_stream_key_is_taken_and_never_told(control: Served) -> None:
    key = "live-1234-abcd"
    uri = "rtmp://127.0.0.1:1/app"
    answer = add(control, uri, settings={"stream_key": key}, keep=True)
    assert as_json(answer)["outputs"][1]["uri"].startswith(uri)
    assert control.daemon.settings.outputs[1].stream_key.reveal() == key
    assert yaml.safe_load(control.path.read_text())["outputs"][1] == {"uri": uri, "stream_key": key}
    told = [answer.text, control.client.get("/api/status").text]
    told += [control.client.get(f"/api/{path}").text for path in ("outputs", "config", "log")]
    assert not [text for text in told if key in text]
    # One that the appliance knows could be sent to anybody's server.
    refused = add(control, uri, settings={"stream_key": "${env:HOME}"})
    assert "stream_key: found a reference to a secret" in problem(refused, 422)
    short = problem(add(control, uri, settings={"stream_key": "ab cd\n"}), 422)
    assert "ab cd" not in short
    identity = outputs(control)[1]["id"]
    as_json(control.client.delete(f"/api/outputs/{identity}?keep=true"))
    assert key not in control.path.read_text()


def test_the_last_one_stays(control: Served) -> None:
    [only] = outputs(control)
    refused = problem(control.client.delete(f"/api/outputs/{only['id']}"), 409)
    assert "the last output" in refused
    assert "add another one first" in refused


def test_the_same_twice_is_refused(control: Served) -> None:
    as_json(add(control, "rtsp://127.0.0.1:18999/live"))
    assert "has the stream /live on port 18999 already" in problem(
        add(control, "rtsp://127.0.0.1:18999/live/"), 409
    )
    assert len(outputs(control)) == 2


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("/etc/cron.d/evil.mp4", "go to"),
        ("../evil.mp4", "go to"),
        ("file:///tmp/evil.mkv", "go to"),
        ("link/evil.mkv", "go to"),
        ("v4l2:///dev/sda", "expected a loopback device"),
        ("rtsp://127.0.0.1:8600/${env:HOME}", "reference to a secret"),
        ("nonsense://x", "is none of"),
        ("rtsp://127.0.0.1:8600", "the stream needs a path"),
        ("talk.txt", "must end in .mp4"),
    ],
)
def test_where_an_output_may_not_go(control: Served, uri: str, words: str) -> None:
    folder = control.site.recordings.path
    folder.mkdir(exist_ok=True)
    if not (folder / "link").is_symlink():
        (folder / "link").symlink_to(folder.parent)
    before = control.daemon.settings
    assert words in problem(add(control, uri), 422)
    assert control.daemon.settings == before


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"uri": ""}, "uri"),
        ({"uri": "null://", "settings": {"colour": 3}}, "colour: unknown key"),
        ({"uri": "null://", "settings": {"keyframe_s": "soon"}}, "keyframe_s: found 'soon'"),
        ({"uri": "null://", "settings": {"uri": "/etc/x.mp4"}, "more": 1}, "more: unknown key"),
        ([], "expected an object"),
    ],
)
def test_garbage_for_an_output(control: Served, body: Any, words: str) -> None:
    assert words in problem(control.client.post("/api/outputs", json=body), 422)


def test_a_recording_begins_ends_and_plays(control: Served) -> None:
    assert "nothing is recorded" in problem(
        control.client.post("/api/recording", json={"do": "stop"}), 409
    )
    begun = as_json(control.client.post("/api/recording", json={"do": "start", "format": "mkv"}))
    assert (begun["recording"], begun["state"]) == (True, "running")
    path = control.site.recordings.path / begun["name"]
    assert "is being made already" in problem(
        control.client.post("/api/recording", json={"do": "start"}), 409
    )
    assert "still being recorded" in problem(
        control.client.get(f"/api/recordings/{begun['name']}"), 409
    )
    wait_until(lambda: control.daemon.statuses()[-1].frames > 10)
    # The file is read again, and does not know of it: it goes on.
    control.path.write_text(control.path.read_text() + "# saved\n")
    assert control.reloader.ask().result(10).refusal is None
    assert as_json(control.client.post("/api/reset", json={}))["kept"] is False
    now = as_json(control.client.get("/api/recordings"))
    assert now["now"]["recording"]
    assert now["entries"] == []
    ended = as_json(control.client.post("/api/recording", json={"do": "stop"}))
    assert (ended["recording"], ended["name"]) == (False, begun["name"])
    listed = as_json(control.client.get("/api/recordings"))
    assert [set(entry) for entry in listed["entries"]] == [HEAD]
    assert listed["free_bytes"] > 0
    data = control.client.get(f"/api/recordings/{begun['name']}").content
    assert data == path.read_bytes()
    if shutil.which("ffprobe"):
        done = subprocess.run(
            ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv", path],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        assert "h264" in done.stdout
    assert not control.client.get("/api/recordings/..%2fconfig.yaml").is_success
    assert "there is no recording" in problem(control.client.get("/api/recordings/x.mkv"), 404)


def test_a_browser_fetches_one_once_by_a_ticket(control: Served) -> None:
    folder = control.site.recordings.path
    folder.mkdir(exist_ok=True)
    (folder / "a b.mp4").write_bytes(b"moving")
    (folder / "other.mp4").write_bytes(b"other")
    base = control.server.url or ""
    assert get(f"{base}/api/recordings/a%20b.mp4").status_code == 401
    path = as_json(control.client.post("/api/recordings/a%20b.mp4/ticket"))["path"]
    # Nothing else is to be had for it, and it is used up by the attempt.
    word = path.partition("=")[2]
    assert get(f"{base}/api/recordings/other.mp4?ticket={word}").status_code == 401
    assert get(base + path).status_code == 401
    path = as_json(control.client.post("/api/recordings/a%20b.mp4/ticket"))["path"]
    assert get(f"{base}/api/status?ticket={path.partition('=')[2]}").status_code == 401
    answer = get(base + path)
    assert (answer.status_code, answer.content) == (200, b"moving")
    assert "a%20b.mp4" in answer.headers["content-disposition"]
    assert get(base + path).status_code == 401


def test_no_recording_on_a_full_disk(control: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    before = outputs(control)
    monkeypatch.setattr(recordings, "LEAST_FREE_MB", 1 << 40)
    refused = problem(control.client.post("/api/recording", json={"do": "start"}), 409)
    assert "is full" in refused
    assert "delete or move something" in refused
    monkeypatch.setattr(recordings, "LEAST_FREE_MB", 0)
    if os.geteuid() != 0:
        folder = control.site.recordings.path
        folder.chmod(0o500)
        try:
            refused = problem(control.client.post("/api/recording", json={"do": "start"}), 409)
        finally:
            folder.chmod(0o750)
        assert "nothing is recorded" in refused
    assert outputs(control) == before


def test_the_source_is_one_of_those_found(control: Served) -> None:
    devices = as_json(control.client.get("/api/devices"))
    offered = {source["uri"]: source["chosen"] for source in devices["sources"]}
    now = control.daemon.settings.source.uri
    assert offered[now] is True
    assert offered["demo://"] is False
    for uri in ("/etc/passwd", "rtsp://10.0.0.9/x", "test://smpte"):
        refused = control.client.patch("/api/source", json={"uri": uri})
        assert "expected one that /api/devices lists" in problem(refused, 422)
    changed = as_json(control.client.patch("/api/source", json={"uri": "demo://"}))
    assert next(s for s in changed["sources"] if s["uri"] == "demo://")["chosen"]
    assert control.daemon.settings.source.uri == "demo://"
    # The owner's own is still offered.
    as_json(control.client.patch("/api/source", json={"uri": now}))
    assert control.daemon.settings.source.uri == now


def test_sections_are_listed_and_set(control: Served) -> None:
    listed = as_json(control.client.get("/api/settings"))["sections"]
    load = next(section for section in listed if section["name"] == "load")
    assert [field["name"] for field in load["fields"]][:1] == ["shed"]
    body = {"sections": {"load": {"shed": False}}, "keep": True}
    as_json(control.client.patch("/api/settings", json=body))
    assert control.daemon.settings.load.shed is False
    assert yaml.safe_load(control.path.read_text())["load"] == {"shed": False}
    for sections, words in (
        ({"http": {"token": "none"}}, "there is no section 'http'"),
        ({"load": {"x": 1}}, "load: there is no setting 'x'"),
    ):
        refused = control.client.patch("/api/settings", json={"sections": sections})
        assert words in problem(refused, 422)


def test_the_log_is_told_without_secrets(control: Served) -> None:
    log.configure("info", "plain", io.StringIO())
    structlog.get_logger("x").warning("refused", uri="rtsp://a:hunter22@h/")
    as_json(add(control, "rtsp://127.0.0.1:0/logged"))
    structlog.reset_defaults()
    lines = as_json(control.client.get("/api/log"))["lines"]
    assert any("an output was added over HTTP" in line["words"] for line in lines)
    assert any(line["words"] == "refused uri=rtsp://a:***@h/" for line in lines)
    numbers = [line["number"] for line in lines]
    assert numbers == sorted(numbers)
    assert len(numbers) <= 400
    assert "let-me-in-please" not in str(lines)
    assert as_json(control.client.get(f"/api/log?after={numbers[-1]}"))["lines"] == []
    assert "a line's number" in problem(control.client.get("/api/log?after=x"), 422)


def test_a_qr_code(control: Served) -> None:
    answer = control.client.get("/api/qr", params={"text": f"rtsp://10.0.0.1:8554/{STAGE}"})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")
    assert "script" not in answer.text
    for text in ("", "x" * 401, "a\0b"):
        refused = control.client.get("/api/qr", params={"text": text})
        assert "1 to 400 printable characters" in problem(refused, 422)


def test_all_of_it_wants_the_token(control: Served) -> None:
    base = control.server.url or ""
    for path in ("outputs", "recordings", "devices", "settings", "log", "config", "qr?text=x"):
        assert get(f"{base}/api/{path}").status_code == 401, path
    # What the program is like is no secret.
    docs = get(f"{base}/docs")
    assert docs.status_code == 200
    assert "/api/<wbr>outputs" in docs.text.replace("/<wbr>api", "/api")
