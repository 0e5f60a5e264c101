"""The page, in a real browser: the preview moves, and a click changes what RTSP readers see."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.http.serving import Served, picture_file, serving, settings_of

TOKEN = "let-me-in-please"
RED = (200, 20, 20)
BROWSER = next((shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")
                if shutil.which(name)), None)  # fmt: skip
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None or shutil.which("ffmpeg") is None,
    reason="chromium, chromium-driver or ffmpeg is not installed (make test installs them where "
    "apt has them)",
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    options = Options()
    options.binary_location = BROWSER or ""
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--window-size=1280,900", f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Its profile and crash reports belong in a throwaway folder.
    environment = os.environ | {"XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("config"))}
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, env=environment))
    driver.set_page_load_timeout(20)
    driver.set_script_timeout(20)
    yield driver
    driver.quit()


def until(browser: WebDriver, what: Callable[[WebDriver], object], timeout: float = 20) -> None:
    WebDriverWait(browser, timeout, poll_frequency=0.05).until(what)


def text(browser: WebDriver, identity: str) -> str:
    return str(browser.find_element(By.ID, identity).text)


def drawn(browser: WebDriver) -> int:
    return int(browser.execute_script("return document.body.dataset.frames || 0"))


def pixel(browser: WebDriver, canvas: str, x: float, y: float) -> list[int]:
    """R, G, B at a point of a canvas, 0 to 1 from its top left corner."""
    return list(
        browser.execute_script(
            "const c = document.getElementById(arguments[0]);"
            "return [...c.getContext('2d').getImageData("
            "c.width * arguments[1], c.height * arguments[2], 1, 1).data].slice(0, 3)",
            canvas, x, y,
        )
    )  # fmt: skip


def corner_of_the_stream(uri: str) -> np.ndarray:
    """R, G, B of the stream's top left corner as a reader sees it now."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", uri]
    command += ["-frames:v", "1", "-vf", "crop=16:16:0:0,format=rgb24", "-f", "rawvideo", "-"]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, 3).mean(axis=0)


def test_the_page(studio: Served, browser: WebDriver) -> None:
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
    assert "network" in text(browser, "stages")
    assert "rtsp://127.0.0.1" in text(browser, "ways")

    # Choosing a background changes the stream, and current readers stay.
    uri = studio.daemon.addresses()[0]
    assert np.abs(corner_of_the_stream(uri) - 120).max() < 12
    tile = "[data-background='red.png']"
    browser.find_element(By.CSS_SELECTOR, tile).click()
    until(browser, lambda b: pixel(b, "composite", 0.02, 0.02)[0] > 170)
    assert np.abs(corner_of_the_stream(uri) - RED).max() < 16
    chosen = browser.find_element(By.CSS_SELECTOR, tile)
    until(browser, lambda b: chosen.get_attribute("aria-checked") == "true")

    # The blurred room only after a question that can be declined.
    browser.find_element(By.CSS_SELECTOR, "[data-background='blur://']").click()
    until(browser, lambda b: b.find_element(By.ID, "blur-dialog").get_attribute("open"))
    browser.find_element(By.CSS_SELECTOR, "#blur-dialog [value='no']").click()
    assert studio.daemon.settings.background.uri.endswith("red.png")

    # Growing the person is to be seen: the matte's white area is larger. Kept in the file.
    white = (
        "const m = document.getElementById('matte'); return [...m.getContext('2d').getImageData("
    )
    white += "0, 0, m.width, m.height).data].filter((v, i) => i % 4 === 0 && v > 127).length"
    area = browser.execute_script(white)
    browser.find_element(By.ID, "keep").click()
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
    browser.find_element(By.XPATH, "//span[text()='everyone']").click()
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
    browser.find_element(By.CSS_SELECTOR, "#effects-panel > summary").click()
    until(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "[data-stage='motion']"))
    browser.find_element(By.CSS_SELECTOR, "[data-stage='motion'] summary").click()
    browser.find_element(By.ID, "stage-motion-enabled").click()
    until(browser, lambda b: studio.daemon.settings.stages.motion.enabled)
    until(browser, lambda b: b.find_element(By.ID, "stage-motion-enabled").is_selected())

    # No violation of the page's own policy, and no error in its script.
    logged = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert all(" 401 " in entry["message"] for entry in logged), logged


def test_at_a_telephones_width(studio: Served, browser: WebDriver) -> None:
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(studio.server.url or "")
    until(browser, lambda b: drawn(b) > 1)
    until(browser, lambda b: len(b.find_elements(By.CSS_SELECTOR, ".tile")) > 3)
    wide = browser.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() &&"
        "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360


def test_a_page_that_is_hidden_asks_for_no_preview(studio: Served, browser: WebDriver) -> None:
    until(browser, lambda b: studio.site.preview.viewers == 1)
    browser.switch_to.new_window("tab")
    until(browser, lambda b: studio.site.preview.viewers == 0)
    browser.close()
    browser.switch_to.window(browser.window_handles[0])
    until(browser, lambda b: studio.site.preview.viewers == 1)
