"""Scenes over HTTP and on the page: listed, switched, kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from appliance.config.load import load
from tests.http.browsing import pixel, press, until
from tests.http.serving import Served, as_json, corner, picture_file, problem, serving, settings_of

OFFICE, RED = "colour:#c8c8c8", (200, 20, 20)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, network: Path, room: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("scenes")
    backgrounds = folder / "backgrounds"
    backgrounds.mkdir()
    red = picture_file(backgrounds / "red.png", RED)
    data = settings_of(room, network, backgrounds)
    data["load"] = {"shed": False}
    data["scenes"] = [
        {"name": "office", "key": "o", "dissolve_frames": 3,
         "settings": {"background": {"uri": OFFICE}}},
        {"name": "The red one", "key": "F2", "settings": {"background": {"uri": str(red)}}},
        {"name": "gone", "settings": {"background": {"uri": "gone.png"}}},
    ]  # fmt: skip
    with serving(folder, data) as made:
        yield made


@pytest.fixture
def appliance(served: Served) -> Iterator[Served]:
    """With no scene on."""
    yield served
    as_json(post(served, "none", dissolve_frames=0))
    assert served.reloader.ask().result(10).refusal is None


def post(appliance: Served, name: str, **body: Any) -> Any:
    return appliance.client.post(f"/api/scenes/{name}", json=body)


def test_they_are_listed_and_switched(appliance: Served) -> None:
    told = as_json(appliance.client.get("/api/scenes"))
    assert told["active"] == "none"
    assert told["scenes"][:2] == [
        {"name": "office", "key": "o", "dissolve_frames": 3, "active": False,
         "settings": ["background.uri"]},
        {"name": "The red one", "key": "F2", "dissolve_frames": 0, "active": False,
         "settings": ["background.uri"]},
    ]  # fmt: skip
    assert as_json(post(appliance, "office")) == {
        "active": "office", "changed": ["background", "scene"], "dissolve_frames": 3, "note": None,
    }  # fmt: skip
    assert as_json(appliance.client.get("/api/status"))["scene"] == "office"
    figures = appliance.client.get("/metrics").text.splitlines()
    assert {'mattebox_scene{name="office"} 1.0', 'mattebox_scene{name="none"} 0.0'} <= {*figures}
    # With a name that has to be quoted, as a cut, and to be seen in the very next picture.
    assert as_json(post(appliance, "The%20red%20one", dissolve_frames=0))["dissolve_frames"] == 0
    shown = corner(appliance.client.get("/api/snapshot").content)
    assert abs(shown - RED).max() < 12
    told = as_json(appliance.client.get("/api/scenes"))
    assert [scene["active"] for scene in told["scenes"]] == [False, True, False]
    assert as_json(post(appliance, "The red one"))["changed"] == []
    assert as_json(post(appliance, "none"))["active"] == "none"


def test_what_cannot_be_is_refused(appliance: Served) -> None:
    assert "no scene 'stage'; see /api/scenes" in problem(post(appliance, "stage"), 404)
    said = problem(post(appliance, "gone"), 409)
    assert "scenes.2.settings.background.uri" in said
    assert "gone.png" in said
    assert as_json(appliance.client.get("/api/scenes"))["active"] == "none"
    said = problem(post(appliance, "office", dissolve_frames=601), 422)
    assert said.startswith("dissolve_frames: found 601; expected a whole number from 0 to 600")
    assert "expected application/json" in problem(appliance.client.post("/api/scenes/office"), 415)
    # A picture that a scene needs is not deleted.
    said = problem(appliance.client.delete("/api/backgrounds/red.png"), 409)
    assert said == "red.png is the background of the scene The red one; change the scene first"


def test_what_is_kept_goes_into_the_scene_that_is_on(appliance: Served) -> None:
    before = appliance.path.read_text()
    as_json(post(appliance, "office", dissolve_frames=0))
    try:
        body = {"background": "colour:#102030", "edge_softness": 3.0}
        as_json(appliance.client.patch("/api/picture", json=body))
        kept = as_json(appliance.client.patch("/api/picture", json={"fit": "fit", "keep": True}))
        assert (kept["kept"], kept["note"]) == (True, None)
        data = yaml.safe_load(appliance.path.read_text())
        assert data["scenes"][0]["settings"] == {"background": {"uri": "colour:#102030"}}
        assert data["background"] == {"uri": "colour:#787878", "fit": "fit"}
        assert data["edge"] == {"softness": 3.0}
        assert "# the end" in appliance.path.read_text()
        # What is changed and kept at once, too.
        body = {"background": "colour:#405060", "keep": True}
        assert as_json(appliance.client.patch("/api/picture", json=body))["note"] is None
        data = yaml.safe_load(appliance.path.read_text())
        assert data["scenes"][0]["settings"] == {"background": {"uri": "colour:#405060"}}
        assert data["background"]["uri"] == "colour:#787878"
        # The scene's own values are not taken for changes of what stands around it.
        assert load(appliance.path) == appliance.reloader.scenes.base
    finally:
        appliance.path.write_text(before)


def test_by_click_and_by_key_on_the_page(
    appliance: Served, browser: WebDriver
) -> None:  # fmt: skip
    browser.get(appliance.server.url or "")
    until(browser, lambda b: len(b.find_elements(By.CSS_SELECTOR, "#scenes button")) == 4)

    def pressed(name: str) -> bool:
        button = browser.find_element(By.CSS_SELECTOR, f"[data-scene='{name}']")
        return button.get_attribute("aria-pressed") == "true"

    until(browser, lambda _: pressed("none"))
    press(browser, "[data-scene='The red one']")
    until(browser, lambda _: pressed("The red one") and not pressed("none"))
    until(browser, lambda b: pixel(b, "composite", 0.02, 0.02)[0] > 170)
    browser.find_element(By.TAG_NAME, "body").send_keys("o")
    until(browser, lambda _: pressed("office"))
    assert appliance.reloader.scenes.active == "office"
    # Not while something is typed.
    browser.execute_script(
        "const field = document.createElement('input'); field.id = 'typing';"
        "document.body.append(field)"
    )
    browser.find_element(By.ID, "typing").send_keys("o", Keys.F2, "x")
    assert browser.find_element(By.ID, "typing").get_attribute("value") == "ox"
    browser.execute_script("document.getElementById('typing').remove()")
    # But with what is no field for text.
    browser.find_element(By.CSS_SELECTOR, "#people-kept input").send_keys(Keys.F2)
    until(browser, lambda _: pressed("The red one"))
    browser.find_element(By.TAG_NAME, "body").send_keys("o")
    until(browser, lambda _: pressed("office"))
    # One that cannot be built says why, and the one before stays.
    press(browser, "[data-scene='gone']")
    until(browser, lambda b: "gone.png" in b.find_element(By.ID, "toast").text)
    assert pressed("office")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.F2)
    until(browser, lambda _: pressed("The red one"))
    logged = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert all(" 409 " in entry["message"] for entry in logged), logged
