"""``mattebox reload``: what it finds, what it reports, and what clients may do to the socket."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.daemon.changes import Reloader
from appliance.errors import InputError
from appliance.service import control_client, control_socket
from appliance.service.control import Control
from appliance.service.control_client import NotRunning, Running, ask, choose, find
from appliance.system import folders, log
from tests.daemon.test_changes import LIMIT_S, Applies, reloading


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The runtime directory, with a short name: socket paths have at most 107 characters."""
    with tempfile.TemporaryDirectory(prefix="mb") as name:
        monkeypatch.setenv("RUNTIME_DIRECTORY", name)
        # Whatever else is running on this machine.
        monkeypatch.setattr(control_socket, "SERVICE", Path(name))
        yield Path(name)


@pytest.fixture
def running(runtime: Path, tmp_path: Path) -> Iterator[tuple[Path, Reloader, Applies]]:
    """An appliance with a file, its reloader, and a stand-in for its daemon."""
    log.configure(stream=io.StringIO())
    path = tmp_path / "config.yaml"
    path.write_text("steady: {strength: 0.5}\n")
    with reloading(path) as (reloader, daemon):
        control = Control(reloader)
        control.start()
        yield path, reloader, daemon
        control.stop()
        assert not list(runtime.iterdir())


def test_the_three_outcomes_and_their_exit_codes(
    running: tuple[Path, Reloader, Applies], capsys: pytest.CaptureFixture[str]
) -> None:
    path, _, daemon = running
    assert main(["reload"]) == 0
    assert capsys.readouterr().out == "reloaded: nothing has changed\n"
    path.write_text("steady: {strength: 0.7}\nroi: {margin: 0.1}\n")
    assert main(["reload", "--config", str(path)]) == 0
    assert capsys.readouterr().out == "reloaded: roi, steady\n"
    assert daemon.settings.steady.strength == 0.7
    path.write_text("steady: {strength: 7}\nrio: {}\n")
    assert main(["reload", "--pid", str(os.getpid())]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "mattebox: not reloaded; the last good configuration stays:"
    assert said[1].startswith(f"  {path}:1:20: steady.strength: found 7; expected a number")
    assert said[2] == f"  {path}:2:1: rio: unknown key; did you mean roi?"


SCENES = """\
scenes:
  - {name: lectern, dissolve_frames: 15, settings: {edge: {softness: 3}}}
  - {name: blurred, settings: {background: {uri: blur://}}}
"""


def test_a_scene_is_listed_and_switched_to(
    running: tuple[Path, Reloader, Applies], capsys: pytest.CaptureFixture[str]
) -> None:
    path, _, daemon = running
    path.write_text(SCENES)
    assert main(["reload"]) == 0
    capsys.readouterr()
    assert main(["scene", "lectern"]) == 0
    assert capsys.readouterr().out == "switched: edge, scene\n"
    assert (daemon.settings.edge.softness, daemon.dissolve) == (3.0, 15)
    assert main(["scene", "blurred", "--dissolve", "2", "--pid", str(os.getpid())]) == 0
    assert daemon.dissolve == 2
    capsys.readouterr()
    assert main(["scene"]) == 0
    assert capsys.readouterr().out == "  none\n  lectern\n* blurred\n"
    assert main(["scene", "none", "--dissolve", "9"]) == 0
    assert daemon.dissolve == 0
    assert "cut, not dissolved: the picture before shows the room" in capsys.readouterr().err
    assert main(["scene", "none"]) == 0
    assert capsys.readouterr().out == "switched: nothing has changed\n"
    assert main(["scene", "stage"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "mattebox: not switched; the scene before stays:"
    assert said[1].endswith("there is no scene 'stage'; there are none, lectern, blurred")


def test_what_takes_too_long_is_told(
    running: tuple[Path, Reloader, Applies], capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, daemon = running
    daemon.go.clear()
    assert main(["reload", "--timeout", "0.1"]) == 1
    assert "was not made within 0.1 s, and goes on" in capsys.readouterr().err
    daemon.go.set()


def test_without_an_appliance_it_says_where_it_looked(
    runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The leftovers of a killed appliance do not count.
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(runtime / "1.sock"))
    assert main(["reload"]) == 1
    assert f"no running appliance was found (looked in {runtime})" in capsys.readouterr().err


def test_of_several_one_must_be_named(tmp_path: Path) -> None:
    mine, link = tmp_path / "a.yaml", tmp_path / "link.yaml"
    mine.touch()
    link.symlink_to(mine)
    found = [
        Running(Path("1.sock"), 1, str(mine)),
        Running(Path("2.sock"), 2, "/etc/mattebox/config.yaml"),
        Running(Path("3.sock"), 3, None),
    ]
    assert choose(found, None, 2).pid == 2
    assert choose(found, link, None).pid == 1
    with pytest.raises(InputError, match=r"process 1 with .*a.yaml; process 2 .* with defaults"):
        choose(found, None, None)
    with pytest.raises(InputError, match="none of them is meant"):
        choose(found, None, 4)
    assert choose(found[:1], None, None).pid == 1


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{", b"[]\n", b"\xff\xfe\n", b"[" * 4000 + b"\n", b'{"verb": {}}\n',
             b'{"verb": "stop"}\n', b'{"verb": "scene"}\n',
             b'{"verb": "scene", "name": "a", "dissolve_frames": true}\n', b"x" * 100_000],
)  # fmt: skip
def test_nothing_that_is_sent_harms(running: tuple[Path, Reloader, Applies], line: bytes) -> None:
    [path] = folders.runtime().iterdir()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(LIMIT_S)
        client.connect(str(path))
        try:
            client.sendall(line)
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(1000)
        except OSError:  # it hung up before everything was sent
            answer = b""
    assert not answer or "error" in json.loads(answer)
    assert ask(path, {"verb": "who"}, LIMIT_S)["pid"] == os.getpid()


@pytest.mark.parametrize(
    "limit", [0, -1, 1e999, "soon", None, True, pytest.param(10**400, id="huge")]
)
def test_odd_limits_are_none(running: tuple[Path, Reloader, Applies], limit: object) -> None:
    [path] = folders.runtime().iterdir()
    answer = ask(path, {"verb": "reload", "timeout_s": limit}, LIMIT_S)
    assert answer["outcome"] == ("late" if limit == 0 else "unchanged")


def _hung_up(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except OSError:
        return True


def test_one_that_says_nothing_keeps_nobody_out(running: tuple[Path, Reloader, Applies]) -> None:
    [path] = folders.runtime().iterdir()
    silent = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    try:
        for client in silent:
            client.settimeout(LIMIT_S)
            # When the queue is full too, there is no connecting.
            with contextlib.suppress(BlockingIOError):
                client.connect(str(path))
        # Eight stay connected until their two seconds are over; the rest were hung up on at once.
        assert any(_hung_up(client) for client in silent)
    finally:
        for client in silent:
            client.close()
    moment = threading.Event()
    for _ in range(int(LIMIT_S * 10)):
        if find():
            return
        moment.wait(0.1)
    raise AssertionError("nobody gets through any more")


def test_sockets_of_the_killed_are_swept_and_those_of_others_stay(
    runtime: Path, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(runtime / "1.sock"))
    with socket.socket(socket.AF_UNIX) as alive, reloading(None) as (reloader, _):
        alive.bind(str(runtime / "2.sock"))
        alive.listen()
        control = Control(reloader)
        control.start()
        names = {path.name for path in runtime.iterdir()}
        assert names == {"2.sock", f"{os.getpid()}.sock"}
        control.stop()


def test_a_folder_that_others_may_write_to_is_not_used(
    monkeypatch: pytest.MonkeyPatch, runtime: Path
) -> None:
    runtime.chmod(0o777)
    with reloading(None) as (reloader, _):
        control = Control(reloader)
        control.start()
        assert not list(runtime.iterdir())
        control.stop()
    monkeypatch.setattr(control_socket.os, "geteuid", lambda: 12345)
    assert control_socket.trusted(runtime / "1.sock") is False


def test_where_sockets_lie() -> None:
    assert control_socket.folders({"RUNTIME_DIRECTORY": "/run/mattebox"}) == [
        control_socket.SERVICE
    ]


def test_an_answer_that_is_none_is_told(runtime: Path) -> None:
    for said in (b"", b"hello\n", b"[]\n"):
        path = runtime / "7.sock"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()

            def answer(said: bytes = said, server: socket.socket = server) -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(said)

            thread = threading.Thread(target=answer)
            thread.start()
            with pytest.raises(NotRunning):
                control_client.ask(path, {"verb": "who"}, LIMIT_S)
            thread.join(LIMIT_S)
        path.unlink()
