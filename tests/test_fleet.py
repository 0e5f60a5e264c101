"""docs/examples/fleet: what docs/scale.md shows is right by the programs that are to read it."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from appliance.config.load import load
from tests.daemon.sessions.box import free_port, until

FLEET = Path(__file__).parents[1] / "docs" / "examples" / "fleet"
SECRETS = {"HTTP_TOKEN": "a token of some length", "RTSP_PASSWORD": "a password"}


def compose() -> list[str]:
    """The validator: ``docker compose``, or what came before it; skips without either."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        asked = subprocess.run([*command, "version"], capture_output=True, check=False, timeout=30)
        if asked.returncode == 0:
            return command
    pytest.skip("there is neither docker compose nor docker-compose here")


def test_compose_takes_it() -> None:
    command = [*compose(), "-f", str(FLEET / "compose.yaml"), "config", "-q"]
    run = {"capture_output": True, "text": True, "timeout": 60, "check": False}
    done = subprocess.run(command, env=os.environ | SECRETS, **run)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    # Without the secrets it says which is missing.
    done = subprocess.run(command, env=dict(os.environ), **run)  # type: ignore[call-overload]
    assert done.returncode != 0
    assert "a token for the API" in done.stderr


def test_its_files_and_names_fit_together() -> None:
    settings = load(FLEET / "box.yaml", env=SECRETS)
    assert settings.sessions.most == 8
    assert settings.rtsp.password
    data = yaml.safe_load((FLEET / "compose.yaml").read_text())
    boxes = {name for name in data["services"] if name.startswith("box-")}
    placed = set(re.findall(r"http://(box-\d):8080;", (FLEET / "placer.conf").read_text()))
    ((path, media),) = yaml.safe_load((FLEET / "mediamtx.yml").read_text())["paths"].items()
    assert boxes == placed == {"box-1", "box-2"}
    found = re.fullmatch(path.removeprefix("~"), "box-2/7ewtzpk45v")
    assert found is not None
    source = media["source"].replace("$G1", found[1]).replace("$G2", found[2])
    assert source.endswith("@box-2:8554/live/7ewtzpk45v")
    # What is mounted is there, and the image is made from this checkout.
    services = data["services"].values()
    mounts = [one.partition(":")[0] for service in services for one in service["volumes"]]
    assert all((FLEET / mount).is_file() for mount in mounts if mount.startswith("."))
    assert (FLEET / data["x-box"]["build"]["context"] / "scripts" / "setup.sh").is_file()


def test_nginx_finds_the_box_that_has_a_place(tmp_path: Path) -> None:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed (make test installs it where apt has it)")
    port = free_port()
    with box(503) as (full, asked_first), box(201) as (free, asked_second):
        with nginx(tmp_path, placed(port, full, free), port):
            status, where = post(f"http://127.0.0.1:{port}/api/sessions")
            assert (status, where) == (201, "box-2")
            assert asked_first == asked_second == [("/api/sessions", b'{"avatar": "anna"}')]
            assert post(f"http://127.0.0.1:{port}/box-1/api/sessions/x/speak")[0] == 503
            assert asked_first[-1][0] == "/api/sessions/x/speak"
        # One is down and the other full: the caller is told so.
        with nginx(tmp_path, placed(port, free_port(), full), port):
            assert post(f"http://127.0.0.1:{port}/api/sessions") == (503, "box-2")


def placed(port: int, first: int, second: int) -> str:
    """The configuration, listening at a port, for boxes at two others."""
    text = (FLEET / "placer.conf").read_text().replace("listen 8080", f"listen {port}")
    text = text.replace("box-1:8080", f"127.0.0.1:{first}")
    return text.replace("box-2:8080", f"127.0.0.1:{second}")


Asked = list[tuple[str, bytes]]


@contextmanager
def box(status: int) -> Iterator[tuple[int, Asked]]:
    """Something that answers every POST with a status, on a port; and what it was asked."""
    asked: Asked = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            asked.append((self.path, self.rfile.read(length)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join(5)


@contextmanager
def nginx(folder: Path, text: str, port: int) -> Iterator[None]:
    """nginx with this configuration, listening."""
    # What a distribution's nginx wants of its own, in a folder that is ours.
    own = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("http {", f"http {{\naccess_log off;\n{own}")
    file = folder / "nginx.conf"
    file.write_text(f"daemon off;\nmaster_process off;\npid {folder}/pid;\n{text}")
    process = subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")],
        stdin=subprocess.DEVNULL,
    )
    try:
        until(lambda: _listens(port) or process.poll() is not None, "nginx listens")
        assert process.poll() is None, (folder / "error.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(5)


def post(address: str) -> tuple[int, str]:
    """Status, and which box answered."""
    request = urllib.request.Request(address, b'{"avatar": "anna"}', method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get("X-Box", "")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("X-Box", "")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
