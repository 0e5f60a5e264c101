"""The installed program with its HTTP server: from start-up, through a kept change, to the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import yaml

from tests.http.serving import as_json, parts, settings_of, wait_until, write
from tests.patience import promised


def url_in(log: Path) -> str | None:
    """Where it listens, according to its log."""
    for line in log.read_text().splitlines():
        if line.startswith("{") and "page, figures" in line:
            return str(json.loads(line)["url"])
    return None


def test_from_start_to_end(network: Path, room: Path, tmp_path: Path) -> None:
    path, log = tmp_path / "config.yaml", tmp_path / "log"
    write(path, settings_of(room, network, tmp_path))
    command = [sys.executable, "-m", "appliance.cli", "run", "--config", str(path)]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--set", "edge.softness=0.3", "--set", "log.format=json"],
            stdout=subprocess.DEVNULL,
            stderr=out,
        )
    try:
        wait_until(lambda: url_in(log), 40)
        with httpx.Client(base_url=url_in(log) or "", verify=False, timeout=20) as client:
            wait_until(lambda: client.get("/readyz").status_code == 200, 40)
            done = as_json(client.patch("/api/picture", json={"fit": "fit", "keep": True}))
            assert (done["kept"], done["note"]) == (True, None)
            # A flag would win at the next start, and it says so.
            done = as_json(client.patch("/api/picture", json={"edge_softness": 0.2, "keep": True}))
            assert done["kept"]
            assert done["note"] == (
                "kept, but at the next start edge.softness is what --set edge.softness "
                "says, which beats the file"
            )
            data = yaml.safe_load(path.read_text())
            assert data["edge"] == {"softness": 0.2}
            assert data["background"]["fit"] == "fit"
            assert as_json(client.get("/api/status"))["picture"]["edge_softness"] == 0.2
            # Another address while it runs.
            data["http"]["viewers"] = 1
            write(path, data)
            wait_until(lambda: log.read_text().count("page, figures") == 2, 20)
        with (
            httpx.Client(base_url=last_url(log), verify=False, timeout=20) as client,
            client.stream("GET", "/api/preview") as viewer,
        ):
            assert parts(viewer, 2)
            assert client.get("/api/preview").status_code == 503
            process.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            assert process.wait(20) == 0, log.read_text()
            assert time.monotonic() - asked < promised(5)
        assert "Traceback" not in log.read_text()
    finally:
        process.kill()
        process.wait(10)


def last_url(log: Path) -> str:
    """Where it listens now."""
    lines = [line for line in log.read_text().splitlines() if "page, figures" in line]
    return str(json.loads(lines[-1])["url"])
