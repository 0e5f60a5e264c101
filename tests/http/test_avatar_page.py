"""The avatar's page in a real browser: typed, said, interrupted; sessions; both colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from tests.http.axe import axe, in_colours, violations
from tests.http.browsing import press, text, until
from tests.http.serving import Served, as_json
from tests.http.theatre import AVATAR, playing, playout_of

_NEWEST = "#turns li:first-child"
LONG = "word " * 600
"""A minute of it: no machine is so slow that it is over before it was looked at."""


@pytest.fixture
def page(theatre: Served, browser: WebDriver) -> Iterator[WebDriver]:
    """It, opened anew; afterwards its script must have run without an error."""
    browser.get(f"{theatre.server.url}/avatar")
    until(browser, lambda b: text(b, "lamp") == "live")
    until(browser, lambda b: b.execute_script("return following !== null"))
    yield browser
    logged = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    # A turn that is refused, a session that has ended meanwhile, a viewer that has gone.
    known = re.compile(r" (404|409|422|503) |/whep/\S+ - .* 400 ")
    assert all(known.search(entry["message"]) for entry in logged), logged
    browser.get("about:blank")


def newest(browser: WebDriver) -> tuple[str, str]:
    """Of the newest turn its state and its text, of one moment."""
    found = browser.execute_script(
        "const one = document.querySelector(arguments[0]);"
        "return one ? [one.dataset.state, one.querySelector('p').innerText] : ['', ''];",
        _NEWEST,
    )
    return found[0], found[1]


def state(browser: WebDriver) -> str:
    """Of the newest turn."""
    return newest(browser)[0]


def write(browser: WebDriver, *keys: str) -> None:
    field = browser.find_element(By.ID, "text")
    field.clear()
    field.send_keys(*keys)


def test_from_typed_to_said_and_held_silent(theatre: Served, page: WebDriver) -> None:
    height = "return document.getElementById('said').offsetHeight"
    before = page.execute_script(height)
    write(page, "Hello there. ", Keys.SHIFT + Keys.ENTER + Keys.NULL, "And welcome.", Keys.ENTER)
    shown = "return document.getElementById('turns').innerText"
    until(page, lambda b: "Hello there.\nAnd welcome." in b.execute_script(shown))
    assert page.find_element(By.ID, "text").get_attribute("value") == ""
    playout_of(theatre).speak(LONG)
    until(page, lambda b: b.find_elements(By.CSS_SELECTOR, f"{_NEWEST} mark"))
    until(page, lambda b: "word word" in text(b, "said"))
    assert page.execute_script(height) == before
    # The turn that waits, too, is interrupted while the button is held.
    write(page, "And on.", Keys.ENTER)
    until(page, lambda b: newest(b) == ("queued", "And on."))
    hold = page.find_element(By.ID, "hold")
    ActionChains(page).click_and_hold(hold).perform()
    until(page, lambda b: state(b) == "interrupted")
    assert hold.get_attribute("aria-pressed") == "true"
    playout_of(theatre).speak(f"Nobody hears {LONG}")
    until(page, lambda b: newest(b) == ("interrupted", f"Nobody hears {LONG}".strip()))
    ActionChains(page).release().perform()
    assert hold.get_attribute("aria-pressed") == "false"
    assert text(page, "said") == ""
    # By keyboard.
    playout_of(theatre).speak(LONG)
    until(page, lambda b: state(b) == "speaking")
    hold.send_keys(" ")
    until(page, lambda b: state(b) == "interrupted")
    # What cannot be said, at the field; an action.
    write(page, "[action:dance]", Keys.ENTER)
    until(page, lambda b: "expected one of: wave" in text(b, "text-fault"))
    field = page.find_element(By.ID, "text")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_attribute("value") == "[action:dance]"
    assert page.switch_to.active_element == field
    press(page, "#actions button")
    until(
        page, lambda b: state(b) == "finished" and b.find_element(By.CSS_SELECTOR, f"{_NEWEST} i")
    )
    assert page.find_element(By.CSS_SELECTOR, f"{_NEWEST} i").text == "wave"


def test_axe_finds_nothing(theatre: Served, page: WebDriver) -> None:
    playout_of(theatre).speak(LONG)
    until(page, lambda b: b.find_elements(By.CSS_SELECTOR, "#turns mark"))
    page.execute_script(axe())
    with in_colours(page, "dark"):
        assert violations(page) == []
    with in_colours(page, "light"):
        assert violations(page, "color-contrast") == []
        page.execute_script("document.getElementById('session-dialog').showModal()")
        assert violations(page) == []


def test_a_session_begun_here_and_ended_elsewhere(theatre: Served, page: WebDriver) -> None:
    pytest.importorskip("aiortc")
    moving = "return document.getElementById('live').currentTime > 0"
    until(page, lambda b: b.execute_script(moving))
    press(page, "#session-new")
    page.find_element(By.ID, "session-background").send_keys("colour:#zz", Keys.ENTER)
    until(page, lambda b: "colour" in text(b, "session-fault"))
    page.find_element(By.ID, "session-background").clear()
    page.find_element(By.ID, "session-label").send_keys("Desk", Keys.ENTER)
    until(page, lambda b: "session=" in b.current_url)
    identity = page.current_url.rpartition("=")[2]
    until(page, lambda b: text(b, "lamp") == "live")
    assert as_json(theatre.client.get(f"/api/sessions/{identity}"))["avatar"]["name"] == AVATAR
    until(page, lambda b: b.execute_script("return following !== null"))
    write(page, "Mine.", Keys.ENTER)
    until(page, lambda b: newest(b) == ("finished", "Mine."))
    assert page.find_element(By.ID, "session-end").is_displayed()
    assert theatre.client.delete(f"/api/sessions/{identity}").status_code == 200
    until(page, lambda b: f"{identity} has ended" in text(b, "toast"))
    assert not page.find_element(By.ID, "session-end").is_displayed()
    assert page.find_element(By.ID, "session").get_attribute("value") == "main"
    assert "session=" not in page.current_url


@pytest.mark.soak
def test_without_an_avatar(appliance: Served, browser: WebDriver) -> None:
    browser.get(f"{appliance.server.url}/avatar")
    until(browser, lambda b: "avatar://NAME" in text(b, "facts"))
    assert not browser.find_element(By.ID, "text").is_enabled()
    assert not browser.find_element(By.ID, "hold").is_enabled()


@pytest.mark.soak
def test_narrow_and_with_forty_turns_nothing_is_wider_than_the_page(
    theatre: Served, page: WebDriver
) -> None:
    for _ in range(60):
        playout_of(theatre).speak("x" * 300 + " short", "replace")
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    until(page, lambda b: len(b.find_elements(By.CSS_SELECTOR, "#turns li")) == 40)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.soak
def test_the_boxs_own_page_leads_there(theatre: Served, browser: WebDriver) -> None:
    browser.get(theatre.server.url or "")
    until(browser, lambda b: b.find_element(By.ID, "source-avatar").is_displayed())
    browser.find_element(By.CSS_SELECTOR, "#source-avatar a").click()
    until(browser, lambda b: b.current_url.endswith("/avatar") and text(b, "lamp") == "live")


@pytest.mark.soak
def test_the_token_is_asked_for(tmp_path: Path, network: Path, browser: WebDriver) -> None:
    with playing(tmp_path, network, http={"token": "let-me-in-please"}) as guarded:
        browser.get(f"{guarded.server.url}/avatar")
        until(browser, lambda b: b.find_element(By.ID, "token").is_displayed())
        assert text(browser, "lamp") == "token?"
        browser.find_element(By.ID, "token").send_keys("let-me-in-please", Keys.ENTER)
        until(browser, lambda b: text(b, "lamp") == "live")
        until(browser, lambda b: b.execute_script("return following !== null"))
        write(browser, "Let in.", Keys.ENTER)
        until(browser, lambda b: state(b) == "finished")
        browser.execute_script("sessionStorage.clear()")
        browser.get("about:blank")
