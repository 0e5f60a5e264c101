"""The exit code of ``mattebox run``: whether what was asked for came about."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
import yaml
from structlog.testing import capture_logs

from appliance.cli.main import main
from appliance.daemon.worker import Worker
from appliance.errors import OutputError
from appliance.outputs.null import NullOutput
from appliance.system import log

# Of a network that is set aside for documentation: nobody can listen there.
NOT_OURS = "rtsp://192.0.2.1:8554/live"


@pytest.fixture
def config(network: Path, room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration over the clip; the log is left for the test to capture."""
    path = tmp_path / "config.yaml"
    data = {
        "source": {"uri": str(room)},
        "matting": {"model": str(network)},
        "outputs": [{"uri": "null://"}],
        "http": {"enabled": False},
        "rtsp": {"insecure": True},
    }
    path.write_text(yaml.safe_dump(data))
    monkeypatch.setattr(log, "configure", lambda *_: None)
    monkeypatch.setattr("appliance.service.run.configure", lambda *_: None)
    return path


def failures(logs: list) -> dict[str, str]:
    """What the end of a run called failed, and why."""
    return {line["what"]: line["reason"] for line in logs if line["log_level"] == "error"}


@pytest.mark.parametrize("end", [("--frames", "3"), ("--duration", "1.5")])
def test_an_output_that_never_opened_is_a_failure(config: Path, end: tuple[str, str]) -> None:
    with capture_logs() as logs:
        code = main(
            ["run", "--config", str(config), "--output", "null://", "--output", NOT_OURS, *end]
        )
    assert code == 1
    [(what, reason)] = failures(logs).items()
    assert what == f"output {NOT_OURS}"
    assert reason.startswith("never opened: rtsp://192.0.2.1:8554: cannot listen there")


def test_a_recording_without_its_index_is_a_failure(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close(_: NullOutput) -> None:
        raise OutputError("no room for the index")

    monkeypatch.setattr(NullOutput, "close", close)
    with capture_logs() as logs:
        assert main(["run", "--config", str(config), "--frames", "3"]) == 1
    assert failures(logs) == {"output null://": "no room for the index"}


def test_a_source_that_never_came_is_a_failure(config: Path) -> None:
    with capture_logs() as logs:
        code = main(
            ["run", "--config", str(config), "--source", "rtsp://127.0.0.1:9/none",
             "--duration", "1.5"]
        )  # fmt: skip
    assert code == 1
    [(what, reason)] = failures(logs).items()
    assert what == "picture"
    assert reason.startswith("nothing but the placeholder went out: ")


def test_a_signal_ends_a_start_that_is_still_compiling(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, ask = threading.Event(), Worker.ask_to_stop

    def compiles(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        assert told.wait(20), "the start waits for the whole of it"

    def ask_to_stop(worker: Worker) -> None:
        told.set()
        ask(worker)

    monkeypatch.setattr("appliance.daemon.daemon.make_pipeline", compiles)
    monkeypatch.setattr(Worker, "ask_to_stop", ask_to_stop)
    with capture_logs() as logs:
        assert main(["run", "--config", str(config)]) == 0
    assert not failures(logs)
    assert any(line["event"] == "stopped before it ran" for line in logs)


def test_all_well_is_0(config: Path) -> None:
    with capture_logs() as logs:
        assert main(["run", "--config", str(config), "--frames", "3"]) == 0
    assert failures(logs) == {}
