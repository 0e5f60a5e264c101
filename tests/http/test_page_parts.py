"""The page's newer parts in a real browser: by keyboard and for screen readers, both colours."""

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
from tests.http.serving import Served, as_json, picture_file, serving, settings_of


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, network: Path, room: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "pictures").mkdir()
    picture_file(folder / "pictures" / "red.png", (200, 20, 20))
    data = settings_of(room, network, folder / "pictures", recordings=str(folder / "takes"))
    with serving(folder, data) as served:
        yield served


@pytest.fixture
def page(desk: Served, browser: WebDriver) -> Iterator[WebDriver]:
    """The page, opened anew; afterwards its script must have run without an error."""
    browser.get(desk.server.url or "")
    until(browser, lambda b: text(b, "lamp") == "live")
    until(browser, lambda b: "null://" in text(b, "ways"))
    yield browser
    logged = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    # A session by WHEP may be over before the page's DELETE comes: its end travels by itself.
    known = re.compile(r" (409|412|422) |/whep/\S+ - .* 404 ")
    assert all(known.search(entry["message"]) for entry in logged), logged


def test_axe_finds_nothing(desk: Served, page: WebDriver) -> None:
    script = axe()
    with in_colours(page, "dark"):
        page.execute_script(
            "for (const one of document.querySelectorAll('details.panel')) one.open = true"
        )
        until(page, lambda b: b.find_elements(By.CSS_SELECTOR, "[data-stage]"))
        until(page, lambda b: "network" in text(b, "stages"))
        page.execute_script(script)
        assert violations(page) == []
        assert page.execute_script("return document.getAnimations().length") == 0
        press(page, "#editor-open")
        until(page, lambda b: "no mistakes" in text(b, "editor-told"))
        assert violations(page) == []
    with in_colours(page, "light"):
        assert violations(page, "color-contrast") == []
        press(page, "#editor-close")
        assert violations(page, "color-contrast") == []


@pytest.mark.soak
@pytest.mark.parametrize("colours", ["dark", "light"])
def test_axe_finds_nothing_in_dialogs_and_docs(desk: Served, page: WebDriver, colours: str) -> None:
    script = axe()
    page.set_script_timeout(60)
    with in_colours(page, colours):
        page.execute_script(script)
        assert violations(page) == []
        press(page, "[id^=code-]")
        until(page, lambda b: b.find_element(By.ID, "qr").get_attribute("src"))
        assert violations(page) == []
        page.get(f"{desk.server.url}/docs")
        page.execute_script(script)
        assert violations(page) == []


def test_the_editor_shows_each_mistake_at_its_line_and_saves(desk: Served, page: WebDriver) -> None:
    before = desk.path.read_text()
    press(page, "#editor-open")
    until(page, lambda b: "no mistakes" in text(b, "editor-told"))
    area = page.find_element(By.ID, "editor-text")
    area.send_keys(Keys.CONTROL, Keys.END)
    area.send_keys("edge:\n  softnes: 2\n")
    until(page, lambda b: "did you mean softness?" in text(b, "editor-mistakes"))
    line = before.count("\n") + 2
    assert f"line {line}" in text(page, "editor-mistakes")
    assert page.find_element(By.CSS_SELECTOR, ".editor-lines .wrong-line").text == str(line)
    note = page.find_element(By.CSS_SELECTOR, f".editor-notes [data-line='{line}']")
    assert "did you mean softness?" in note.text
    assert not page.find_element(By.ID, "editor-save").is_enabled()
    press(page, "#editor-mistakes button")
    area.send_keys(Keys.END, Keys.BACK_SPACE, Keys.BACK_SPACE, Keys.BACK_SPACE, "s: 2.5")
    until(page, lambda b: "Not saved yet" in text(b, "editor-told"))
    # Somebody else saves meanwhile.
    desk.path.write_text(before + "# theirs\n")
    press(page, "#editor-save")
    until(page, lambda b: "saved by somebody else" in text(b, "editor-told"))
    assert page.find_element(By.ID, "editor-again").is_displayed()
    desk.path.write_text(before)
    press(page, "#editor-save")
    until(page, lambda b: "Saved, and in use." in text(b, "editor-told"))
    assert desk.daemon.settings.edge.softness == 2.5
    press(page, "#editor-close")
    desk.path.write_text(before)
    assert desk.reloader.ask().result(10).refusal is None


def test_an_output_is_added_and_removed_by_keyboard(desk: Served, page: WebDriver) -> None:
    field = page.find_element(By.ID, "add-uri")
    until(page, lambda _: field.is_displayed())
    field.send_keys("/etc/evil.mp4", Keys.ENTER)
    until(page, lambda b: "recordings" in text(b, "add-wrong"))
    assert field.get_attribute("aria-invalid") == "true"
    assert page.switch_to.active_element == field
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("rtsp://127.0.0.1:0/more", Keys.ENTER)
    until(page, lambda b: len(desk.daemon.settings.outputs) == 2)
    until(page, lambda b: "/more" in text(b, "ways"))
    assert not page.find_element(By.ID, "add-wrong").is_displayed()
    # A code for a telephone.
    press(page, "#ways [aria-label^='QR code of rtsp']", Keys.ENTER)
    until(page, lambda b: b.execute_script("return document.getElementById('qr').naturalWidth > 0"))
    until(page, lambda b: b.find_element(By.ID, "qr-close").is_displayed())
    assert "Only this machine" in text(page, "qr-note")
    press(page, "#qr-close", Keys.ENTER)
    press(page, "#ways [aria-label^='Remove rtsp']", Keys.ENTER)
    page.switch_to.alert.accept()
    until(page, lambda b: len(desk.daemon.settings.outputs) == 1)


def test_a_click_is_not_lost_when_an_output_says_something_else(page: WebDriver) -> None:
    code = page.find_element(By.CSS_SELECTOR, "#ways [id^=code-]")
    ActionChains(page).click_and_hold(code).perform()
    told = page.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "askJson('/api/outputs').then((told) => {"
        "  told.outputs[0].words = '3 readers';"
        "  showWays(told);"
        "  done(document.getElementById('ways').innerText); })"
    )
    assert "3 readers" in told
    ActionChains(page).release().perform()
    until(page, lambda b: b.find_element(By.ID, "qr-close").is_displayed())
    press(page, "#qr-close")


def test_record_and_stop_and_settings(desk: Served, page: WebDriver) -> None:
    press(page, "#record")
    until(page, lambda b: text(b, "record-words").startswith("Stop 0"))
    assert page.find_element(By.ID, "record").get_attribute("aria-pressed") == "true"
    until(page, lambda b: desk.daemon.statuses()[-1].frames > 2)
    press(page, "#record")
    until(page, lambda b: text(b, "record-words") == "Record")
    press(page, "#takes-panel > summary")
    until(page, lambda b: ".mp4" in text(b, "takes"))
    press(page, "#load-panel > summary")
    until(page, lambda b: b.find_element(By.ID, "set-load-shed").is_displayed())
    press(page, "#set-load-shed")
    until(page, lambda b: not desk.daemon.settings.load.shed)


def test_the_matte_beneath_the_slider(page: WebDriver) -> None:
    split = page.find_element(By.ID, "split")
    clip = "return getComputedStyle(document.getElementById('matte')).clipPath"
    matte = "return getComputedStyle(document.getElementById('matte')).visibility"
    assert page.execute_script(matte) == "hidden"
    split.send_keys(Keys.HOME)
    assert page.execute_script(matte) == "visible"
    first = page.execute_script(clip)
    split.send_keys(Keys.ARROW_RIGHT)
    assert page.execute_script(clip) != first
    assert split.get_attribute("aria-valuetext") == "1 % picture, the rest matte"


def test_the_preview_by_whep(desk: Served, page: WebDriver) -> None:
    pytest.importorskip("aiortc")
    page.get("about:blank")
    page.get(f"{desk.server.url}#whep")
    until(page, lambda b: b.find_element(By.ID, "frame").get_attribute("data-by") == "whep")
    time = "return document.getElementById('live').currentTime"
    first = page.execute_script(time)
    until(page, lambda b: b.execute_script(time) > first)
    assert page.find_element(By.ID, "mute").get_attribute("aria-pressed") == "true"
    # One way at a time; the matte, which does not come by WHEP, only while some of it is seen.
    until(page, lambda _: viewers(desk) == (1, 0))
    page.find_element(By.ID, "split").send_keys(Keys.HOME)
    until(page, lambda _: viewers(desk) == (1, 1))
    page.find_element(By.ID, "split").send_keys(Keys.END)
    until(page, lambda _: viewers(desk) == (1, 0))
    # Sound only for who listens: browsers hold the picture back for it.
    tracks = "return document.getElementById('live').srcObject.getAudioTracks().length"
    assert page.execute_script(tracks) == 0
    press(page, "#mute")
    until(page, lambda b: b.execute_script(tracks) == 1)
    until(page, lambda _: viewers(desk) == (1, 0))
    assert page.execute_script("return document.getElementById('live').muted") is False
    # Gone with the page.
    page.get("about:blank")
    until(page, lambda _: viewers(desk) == (0, 0))


def viewers(desk: Served) -> tuple[int, int]:
    """By WHEP, and by JPEGs."""
    status = as_json(desk.client.get("/api/status"))
    return status["whep"], status["viewers"]
