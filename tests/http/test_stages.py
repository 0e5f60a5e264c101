"""The optional stages over HTTP: listed from the settings' own sections, switched, set, kept."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from PIL import Image

from appliance.config.settings import StagesSettings
from appliance.daemon.kept_room import kept_room
from appliance.stages.learnt_room import LearntRoom
from tests.http.serving import Served, as_json, problem, wait_until
from tests.networks.coloured import coloured_network
from tests.scenes import STAGE


def patch(appliance: Served, stages: dict[str, Any], **more: Any) -> Any:
    return appliance.client.patch("/api/stages", json={"stages": stages, **more})


def test_every_stage_is_listed_with_what_there_is_to_set(appliance: Served) -> None:
    listed = as_json(appliance.client.get("/api/stages"))["stages"]
    assert [stage["name"] for stage in listed] == list(StagesSettings.model_fields)
    for stage in listed:
        assert (stage["enabled"], stage["resting"], stage["mean_ms"]) == (False, None, None)
        section = getattr(StagesSettings(), stage["name"])
        assert ["enabled", *(field["name"] for field in stage["fields"])] == list(
            type(section).model_fields
        )
        assert all(len(field["description"]) > 5 for field in stage["fields"])
        assert all(field["value"] is not None for field in stage["fields"])
        assert all(field["choices"] for field in stage["fields"] if field["kind"] == "choice")


def test_one_is_switched_on_kept_and_off_again(appliance: Served) -> None:
    before = appliance.path.read_text()
    answer = as_json(patch(appliance, {"motion": {"enabled": True}}))
    assert next(s for s in answer["stages"] if s["name"] == "motion")["enabled"]
    assert appliance.daemon.settings.stages.motion.enabled
    assert appliance.path.read_text() == before
    assert patch(appliance, {}, keep=True).status_code == 200
    kept = yaml.safe_load(appliance.path.read_text())
    assert kept["stages"] == {"motion": {"enabled": True}}
    assert patch(appliance, {"motion": {"enabled": False}}, keep=True).status_code == 200
    kept = yaml.safe_load(appliance.path.read_text())
    assert kept.pop("stages") == {"motion": {"enabled": False}}
    assert kept == yaml.safe_load(before)
    appliance.path.write_text(before)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"stages": {"nonsense": {"enabled": True}}}, "there is no stage 'nonsense'; there are mo"),
        ({"stages": {"motion": {"colour": 3}}}, "motion: there is no setting 'colour'"),
        ({"stages": {"motion": {"enabled": None}}}, "stages.motion.enabled"),
        ({"stages": {"motion": True}}, "stages.motion"),
        ({"stages": []}, "stages"),
    ],
)
def test_what_there_is_not(appliance: Served, body: Any, words: str) -> None:
    before = appliance.daemon.settings
    answer = appliance.client.patch("/api/stages", json=body)
    assert words in problem(answer, 422)
    assert appliance.daemon.settings == before


def test_a_wrong_value_changes_nothing(appliance: Served) -> None:
    before = appliance.daemon.settings
    answer = patch(appliance, {"motion": {"enabled": "perhaps"}})
    assert "stages.motion.enabled: found 'perhaps'; expected true or false" in problem(answer, 409)
    assert appliance.daemon.settings == before


def test_classes_are_chosen_by_name(
    appliance: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    coloured_network(tmp_path / "engines" / "coloured")
    before = appliance.daemon.settings
    select = {"enabled": True, "model": "coloured", "keep": "person, piano"}
    refused = problem(patch(appliance, {"select": select}), 409)
    assert "stages.select.keep" in refused
    assert "coloured knows no piano; it knows chair, cat" in refused
    assert appliance.daemon.settings == before
    answer = as_json(patch(appliance, {"select": select | {"keep": "Person,chair"}}))
    fields = next(s for s in answer["stages"] if s["name"] == "select")["fields"]
    assert next(f for f in fields if f["name"] == "keep")["value"] == "person, chair"
    assert patch(appliance, {"select": {"enabled": False}}).status_code == 200


def test_the_room_is_learnt_at_the_press_of_a_button(
    appliance: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    asked = appliance.client.post("/api/plate", json={"wish": "learn"})
    assert "the stage plate is off" in problem(asked, 409)
    assert patch(appliance, {"plate": {"enabled": True}}).status_code == 200
    answer = as_json(appliance.client.post("/api/plate", json={"wish": "learn", "seconds": 1}))
    assert answer["state"] == "learning"
    # Somebody stands there all the time.
    wait_until(lambda: as_json(appliance.client.get("/api/plate"))["state"] == "refused")
    assert as_json(appliance.client.get("/api/plate"))["why"]
    assert "seconds" in problem(
        appliance.client.post("/api/plate", json={"wish": "learn", "seconds": 0}), 422
    )
    (tmp_path / "plate").mkdir()
    kept_room().write_bytes(b"a kept room")
    assert appliance.client.post("/api/plate", json={"wish": "forget"}).status_code == 200
    assert not kept_room().exists()


def test_the_learnt_room_is_given_only_where_it_may_be(
    appliance: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))

    def asked() -> httpx.Response:
        return appliance.client.get("/api/snapshot", params={"show": "plate"})

    def refused() -> None:
        answer = asked()
        assert "is given only where stages.plate.show is true" in problem(answer, 403)
        assert answer.headers["content-type"] == "application/json"

    refused()
    assert patch(appliance, {"plate": {"enabled": True}}).status_code == 200
    wait_until(lambda: as_json(appliance.client.get("/api/plate"))["known"] > 0.3)
    refused()
    assert patch(appliance, {"plate": {"show": True}}).status_code == 200
    # Switched off while the stage makes its copy: that is not given any more.
    control = appliance.daemon.pipeline.plate
    assert control is not None
    ask = control.ask

    def switched_off_meanwhile(seconds: float) -> LearntRoom | None:
        assert patch(appliance, {"plate": {"show": False}}).status_code == 200
        return ask(seconds)

    with monkeypatch.context() as patched:
        patched.setattr(control, "ask", switched_off_meanwhile)
        refused()
    assert not appliance.daemon.settings.stages.plate.show
    assert patch(appliance, {"plate": {"show": True}}).status_code == 200
    answer = asked()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (320, 180))
        seen = np.asarray(picture.convert("L"))
    # Not what goes out.
    assert abs(float(seen[:20, :20].mean()) - STAGE) > 10
    assert appliance.client.get("/api/preview?show=plate").status_code == 422
    with monkeypatch.context() as on_gpu:
        on_gpu.setattr(control, "copies", False)
        assert "frames are on the GPU" in problem(asked(), 409)
    assert patch(appliance, {"plate": {"show": False}}).status_code == 200
    refused()
    assert patch(appliance, {"plate": {"enabled": False, "show": True}}).status_code == 200
    assert "no room is learnt" in problem(asked(), 409)
