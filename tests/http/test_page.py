"""The page, in a real browser: the preview moves, and a click changes what RTSP readers see."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from appliance.config.polygons import parse_polygons
from tests.http.browsing import pixel, press, text, until
from tests.http.serving import Served, picture_file, serving, settings_of

TOKEN = "let-me-in-please"
RED = (200, 20, 20)

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="ffmpeg is not installed (make test installs it)"
)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, network: Path, room: Path) -> Iterator[Served]:
    """An appliance with an RTSP stream, and a token that the page must ask for."""
    folder = tmp_path_factory.mktemp("studio")
    picture_file(folder / "red.png", RED)
    data = settings_of(room, network, folder, token=TOKEN)
    data["outputs"] = [{"uri": "rtsp://127.0.0.1:0/live"}]
    with serving(folder, data) as served:
        yield served


def drawn(browser: WebDriver) -> int:
    return int(browser.execute_script("return document.body.dataset.frames || 0"))


def corner_of_the_stream(uri: str) -> np.ndarray:
    """R, G, B of the stream's top left corner as a reader sees it now."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", uri]
    command += ["-frames:v", "1", "-vf", "crop=16:16:0:0,format=rgb24", "-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, 3).mean(axis=0)


def test_the_page(studio: Served, browser: WebDriver) -> None:
    browser.get(studio.server.url or "")
    browser.execute_script("sessionStorage.clear()")
    browser.get(studio.server.url or "")
    # Nothing is shown without the token, and a wrong one is reported as such.
    until(browser, lambda b: b.find_element(By.ID, "token-dialog").get_attribute("open"))
    browser.find_element(By.ID, "token").send_keys("wrong-one\n")
    until(browser, lambda b: b.find_element(By.ID, "token-wrong").is_displayed())
    assert drawn(browser) == 0
    browser.find_element(By.ID, "token").send_keys(f"{TOKEN}\n")

    # It moves: pictures come, and the person in them moves.
    until(browser, lambda b: drawn(b) > 5)
    until(browser, lambda b: text(b, "lamp") == "live")
    row = "const c = document.getElementById('matte'); return [...c.getContext('2d').getImageData("
    row += "0, c.height / 2, c.width, 1).data].join()"
    first = browser.execute_script(row)
    until(browser, lambda b: b.execute_script(row) != first)
    assert max(pixel(browser, "matte", 0.02, 0.02)) < 16
    assert np.abs(np.array(pixel(browser, "composite", 0.02, 0.02)) - 120).max() < 12

    # The state, in plain words and figures.
    until(browser, lambda b: text(b, "words").startswith("Live: "))
    until(browser, lambda b: "fps" in text(b, "fps-out"))
    press(browser, "#load-panel > summary")
    until(browser, lambda b: "network" in text(b, "stages"))
    until(browser, lambda b: "rtsp://127.0.0.1" in text(b, "ways"))

    # Choosing a background changes the stream, and current readers stay.
    uri = studio.daemon.addresses()[0]
    assert np.abs(corner_of_the_stream(uri) - 120).max() < 12
    tile = "[data-background='red.png']"
    press(browser, tile)
    until(browser, lambda b: pixel(b, "composite", 0.02, 0.02)[0] > 170)
    assert np.abs(corner_of_the_stream(uri) - RED).max() < 16
    chosen = browser.find_element(By.CSS_SELECTOR, tile)
    until(browser, lambda b: chosen.get_attribute("aria-pressed") == "true")

    # The blurred room only after a question that can be declined.
    press(browser, "[data-background='blur://']")
    until(browser, lambda b: b.find_element(By.ID, "blur-dialog").get_attribute("open"))
    press(browser, "#blur-dialog [value='no']")
    assert studio.daemon.settings.background.uri.endswith("red.png")

    # Growing the person is to be seen: the matte's white area is larger. Kept in the file.
    white = (
        "const m = document.getElementById('matte'); return [...m.getContext('2d').getImageData("
    )
    white += "0, 0, m.width, m.height).data].filter((v, i) => i % 4 === 0 && v > 127).length"
    area = browser.execute_script(white)
    press(browser, "#keep")
    for slider, value, words, kept in (
        ("choke", -8, "grown 8 px", "choke: -8.0"), ("softness", 6, "6 px", "softness: 6.0"),
    ):  # fmt: skip
        browser.execute_script(
            "const f = document.getElementById(arguments[0]); f.value = arguments[1];"
            "f.dispatchEvent(new Event('input')); f.dispatchEvent(new Event('change'))",
            slider, value,
        )  # fmt: skip
        until(browser, lambda b, kept=kept: kept in studio.path.read_text())
        assert text(browser, f"{slider}-value") == words
    until(browser, lambda b: b.execute_script(white) > 1.1 * area)
    assert (studio.daemon.settings.edge.choke, studio.daemon.settings.edge.softness) == (-8, 6)

    # Who is shown, with a sentence for each choice, kept in the file.
    assert "half a second" in text(browser, "people-hint")
    press(browser, "#people-kept [value='all'] + span")
    until(browser, lambda b: studio.daemon.settings.clean.keep == "all")
    until(browser, lambda b: "Everyone" in text(b, "people-hint"))
    until(browser, lambda b: "keep: all" in studio.path.read_text())
    chosen = browser.find_element(By.CSS_SELECTOR, "#people-kept [value='all']")
    assert chosen.is_selected()

    # An upload is chosen at once.
    green = picture_file(studio.path.parent / "green.png", (10, 190, 40), (64, 36))
    taken = studio.folder / "green-2.png"
    browser.find_element(By.ID, "upload").send_keys(str(green))
    until(browser, lambda b: taken.exists())
    until(browser, lambda b: studio.daemon.settings.background.uri == str(taken))
    until(browser, lambda b: pixel(b, "composite", 0.02, 0.02)[1] > 150)

    # A stage is switched on, and shows what there is to set.
    press(browser, "#effects-panel > summary")
    until(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "[data-stage='motion']"))
    press(browser, "[data-stage='motion'] summary")
    press(browser, "#stage-motion-enabled")
    until(browser, lambda b: studio.daemon.settings.stages.motion.enabled)
    until(browser, lambda b: b.find_element(By.ID, "stage-motion-enabled").is_selected())

    # No violation of the page's own policy, and no error in its script.
    logged = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert all(" 401 " in entry["message"] for entry in logged), logged


def draw_mattes(browser: WebDriver) -> None:
    press(browser, "#mattes-draw")
    until(browser, lambda b: b.find_element(By.ID, "mattes-dialog").get_attribute("open"))


def open_page(studio: Served, browser: WebDriver) -> None:
    """The page, with the token known."""
    browser.get(studio.server.url or "")
    browser.execute_script(f"sessionStorage.setItem('mattebox-token', '{TOKEN}')")
    browser.get(studio.server.url or "")


def test_mattes_are_drawn_by_hand(studio: Served, browser: WebDriver) -> None:
    open_page(studio, browser)
    until(browser, lambda b: drawn(b) > 1)
    press(browser, "#effects-panel > summary")
    until(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "[data-stage='mattes']"))
    press(browser, "[data-stage='mattes'] summary")
    draw_mattes(browser)
    picture = browser.find_element(By.ID, "mattes-canvas")

    def click(x: float, y: float) -> None:
        size = picture.size
        away = round((x - 0.5) * size["width"]), round((y - 0.5) * size["height"])
        ActionChains(browser).move_to_element_with_offset(picture, *away).click().perform()

    # By mouse: four points, closed on the first one.
    for x, y in ((0.1, 0.1), (0.4, 0.1), (0.4, 0.9), (0.1, 0.9)):
        click(x, y)
    assert "Point 4 at 10 % across, 90 % down" in text(browser, "mattes-told")
    click(0.1, 0.1)
    assert "Closed: 4 points, always room" in text(browser, "mattes-told")

    # By keyboard: three points, each moved by the arrow keys, one of them deleted and made again.
    press(browser, "#mattes-kind [value='keep'] + span")
    add = browser.find_element(By.ID, "mattes-add")
    add.send_keys(Keys.ENTER)
    browser.switch_to.active_element.send_keys(*[Keys.ARROW_RIGHT] * 4)
    add.send_keys(Keys.ENTER)
    browser.find_element(By.ID, "mattes-close").send_keys(Keys.ENTER)
    assert "2 points are no polygon" in text(browser, "mattes-told")
    add.send_keys(Keys.ENTER)
    browser.switch_to.active_element.send_keys(Keys.DELETE)
    add.send_keys(Keys.ENTER)
    keys = ActionChains(browser).key_down(Keys.SHIFT)
    keys.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN).key_up(Keys.SHIFT).perform()
    label = browser.switch_to.active_element.get_attribute("aria-label")
    assert "Polygon 2, always kept, point 3: 62 % across, 55 % down" in str(label)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert "Closed: 3 points" in text(browser, "mattes-told")
    assert browser.find_element(By.ID, "mattes-room-shown").is_displayed()

    # A polygon that crosses itself is refused in words, and stays to be put right.
    press(browser, "#mattes-kind [value='room'] + span")
    for x, y in ((0.7, 0.7), (0.9, 0.9), (0.9, 0.7), (0.7, 0.9)):
        click(x, y)
    press(browser, "#mattes-save")
    until(browser, lambda b: "polygon 2 crosses itself" in text(b, "mattes-wrong"))
    assert not studio.daemon.settings.stages.mattes.enabled
    press(browser, "[aria-label='Delete polygon 3']")
    press(browser, "#mattes-save")
    until(browser, lambda b: studio.daemon.settings.stages.mattes.enabled)
    until(browser, lambda b: not b.find_element(By.ID, "mattes-dialog").get_attribute("open"))
    made = studio.daemon.settings.stages.mattes
    [room], [keep] = parse_polygons(made.room), parse_polygons(made.keep)
    assert np.allclose(room, ((0.1, 0.1), (0.4, 0.1), (0.4, 0.9), (0.1, 0.9)), atol=0.01)
    assert np.allclose(keep, ((0.52, 0.45), (0.57, 0.45), (0.62, 0.55)), atol=0.001)
    until(browser, lambda b: max(pixel(b, "matte", 0.57, 0.48)) > 240)
    until(browser, lambda b: max(pixel(b, "matte", 0.3, 0.5)) < 16)

    # Opened again, they are there as they were set.
    until(browser, lambda b: b.find_element(By.ID, "stage-mattes-enabled").is_selected())
    draw_mattes(browser)
    assert len(browser.find_elements(By.CSS_SELECTOR, "#mattes-shapes polygon")) == 2
    press(browser, "#mattes-cancel")
    logged = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    asked = (" 401 ", " 409 ")  # before the token, and of the polygon that crossed itself
    assert all(any(code in entry["message"] for code in asked) for entry in logged), logged


def test_at_a_telephones_width(studio: Served, browser: WebDriver) -> None:
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    open_page(studio, browser)
    until(browser, lambda b: drawn(b) > 1)
    until(browser, lambda b: len(b.find_elements(By.CSS_SELECTOR, ".tile")) > 3)
    wide = browser.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() &&"
        "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_page_that_is_hidden_asks_for_no_preview(studio: Served, browser: WebDriver) -> None:
    open_page(studio, browser)
    until(browser, lambda b: studio.site.preview.viewers == 1)
    browser.switch_to.new_window("tab")
    until(browser, lambda b: studio.site.preview.viewers == 0)
    browser.close()
    browser.switch_to.window(browser.window_handles[0])
    until(browser, lambda b: studio.site.preview.viewers == 1)
