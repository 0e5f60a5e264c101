"""``mattebox check --cascade``."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.config.settings import Settings
from appliance.errors import MissingDependency
from appliance.networks.plans import here
from appliance.stages.cascade import CASCADE
from appliance.tools import cascade
from appliance.tools.bench import kept


@pytest.fixture(autouse=True)
def _figures_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.system.folders.caches", lambda purpose: [tmp_path / purpose])


def rows(settings: Settings) -> dict[str, str]:
    """Each step's line."""
    table = cascade.lines(settings)[4:]
    return {line.split()[0]: line for line in table}


def settings(**sections: object) -> Settings:
    return Settings.model_validate({"matting": {"runtime": "onnxruntime"}} | sections)


def test_every_step_is_told_in_its_order() -> None:
    assert list(rows(settings())) == [step.name for step in CASCADE]


def test_on_off_and_reduced() -> None:
    told = rows(settings(steady={"enabled": False}, refine={"enabled": False}))
    assert told["clean"].split()[1:3] == ["on", "CPU"]
    assert told["steady"].split()[1:4] == ["off", "-", "0"]
    assert told["refine"].split()[1] == "reduced"
    assert "alpha is enlarged as it is" in told["refine"]
    assert "GPU only" in told["upload"]


def test_costs_are_those_last_measured() -> None:
    assert "not measured yet" in cascade.lines(settings())[1]
    kept.keep("cpu", "a machine", "1920x1080", "portrait", {"crop": 1.25, "network": 3.5})
    head = cascade.lines(settings())[1]
    assert "1920x1080" in head
    assert "a machine" in head
    assert rows(settings())["crop"].split()[3] == "1.250"
    assert rows(settings())["clean"].split()[3] == "-"


def test_figures_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    path = kept.keep("cpu", "a machine", "1920x1080", "portrait", {"crop": 1.25})
    assert path is not None
    path.write_text("{half")
    assert kept.last("cpu") is None
    assert "not measured yet" in cascade.lines(settings())[1]


def test_figures_that_cannot_be_kept_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bench").write_text("a file where the folder should be")
    assert kept.keep("cpu", "a machine", "1920x1080", "portrait", {"crop": 1.25}) is None


def test_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "engine_here", lambda manifest, model: None)
    kept.keep("gpu", "a card", "1920x1080", "portrait", {"launch network": 0.02, "wait": 1.5})
    told = rows(Settings())
    assert "GPU, in clean" in told["check"]
    assert "in 'launch network'" in told["crop"]
    assert told["wait"].split()[3] == "1.500"
    assert "CPU only" in told["carry"]


def test_why_frames_stay_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(manifest: object, model: object) -> None:
        raise MissingDependency("no card is here")

    monkeypatch.setattr(here, "engine_here", refuse)
    assert cascade.lines(Settings())[0] == "frames stay on the CPU: no card is here"


def test_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--cascade", "--set", "matting.runtime=onnxruntime"]) == 0
    assert "composite" in capsys.readouterr().out
