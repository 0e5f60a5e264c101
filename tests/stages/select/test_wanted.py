"""What is wrong with the stage's settings is said, where they are checked and where they change."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from appliance.config.load import load_located
from appliance.config.settings import Settings
from appliance.config.settings.stages.select import SelectSettings
from appliance.stages.select.wanted import mistakes
from appliance.tools import check
from appliance.tools.doctor import machine
from appliance.tools.engine import show
from appliance.tools.importers.add import list_models
from tests.networks.bright import bright_network


def found(**settings: object) -> list[tuple[str, str]]:
    return list(mistakes(SelectSettings.model_validate({"enabled": True, **settings})))


def test_a_class_that_the_network_has_not(networks: Path) -> None:
    assert found(model="coloured", keep="person, cat") == []
    [(key, message)] = found(model="coloured", keep="person, cat, piano, harp")
    assert key == "stages.select.keep"
    assert message == (
        "coloured knows no piano, harp; it knows chair, cat; and person is whom matting.model finds"
    )


def test_the_background_is_no_thing(networks: Path) -> None:
    [(key, message)] = found(model="coloured", keep="background")
    assert (key, "knows no background" in message) == ("stages.select.keep", True)


def test_no_network_of_that_name(networks: Path) -> None:
    [(key, message)] = found(model="nobody")
    assert key == "stages.select.model"
    assert message.startswith("no network of classes: mattebox model add deeplab")


def test_a_network_of_another_task(networks: Path, tmp_path: Path) -> None:
    path = bright_network(tmp_path / "bright")
    [(key, message)] = found(model=str(path))
    assert key == "stages.select.model"
    assert "found alpha (it gives a person's matte), expected classes" in message


def test_nothing_is_looked_at_while_it_is_off(networks: Path) -> None:
    assert found(enabled=False, model="nobody", keep="piano") == []
    assert found(model="nobody", keep="person") == []


def test_by_mattebox_check(networks: Path) -> None:
    given = [("stages.select.enabled", "true"), ("stages.select.model", "coloured"),
             ("stages.select.keep", "piano")]  # fmt: skip
    [line] = [str(m) for m in check.mistakes(load_located(None, overrides=given))]
    assert line.startswith("--set stages.select.keep: coloured knows no piano; it knows chair, cat")


def test_by_mattebox_check_for_the_person_too(networks: Path) -> None:
    given = [("matting.model", str(networks / "manifest.yaml"))]
    [line] = [str(m) for m in check.mistakes(load_located(None, overrides=given))]
    assert "task: found classes" in line
    assert "this one is for stages.select.model" in line


def test_by_mattebox_doctor_and_where_networks_are_listed(
    networks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network of classes among the others is no fault."""
    settings = Settings.model_validate(
        {"stages": {"select": {"enabled": True, "model": "coloured", "keep": "piano"}}}
    )
    findings = {(one.state, one.what): one.detail for one in machine.networks(settings)}
    assert "64x36" in findings["ok", "coloured"]
    assert "knows no piano" in findings["bad", "stages.select.keep"]
    assert show.list_plans([networks / "manifest.yaml"], Console()) == 0
    assert list_models() == 0
    assert "coloured           64x36" in capsys.readouterr().out
