"""WHEP in a real browser: the picture is right and moves, and there is sound."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

from tests.daemon.test_sound import beeps, clip
from tests.http.serving import picture_file, serving, settings_of, wait_until

TOKEN = "let-me-in-please"
BROWSER = next((shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")
                if shutil.which(name)), None)  # fmt: skip
DRIVER = shutil.which("chromedriver")
VIEWER = Path(__file__).with_name("whep.js")

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None or shutil.which("ffmpeg") is None,
    reason="chromium, chromium-driver or ffmpeg is not installed (make test installs them where "
    "apt has them)",
)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[WebDriver]:
    options = Options()
    options.binary_location = BROWSER or ""
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={tmp_path / 'chromium'}",
    ):  # fmt: skip
        options.add_argument(argument)
    environment = os.environ | {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, env=environment))
    driver.set_page_load_timeout(20)
    driver.set_script_timeout(20)
    # The test's own script measures in a worklet, which the appliance's policy forbids its pages.
    driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    yield driver
    driver.quit()


def call(browser: WebDriver, code: str) -> object:
    """The value of a promise."""
    told = browser.execute_async_script(
        f"const done = arguments[0]; ({code}).then((v) => done([v]), (e) => done(String(e)))"
    )
    assert isinstance(told, list), told
    return told[0]


def test_chromium_watches(tmp_path: Path, network: Path, browser: WebDriver) -> None:
    source = clip(tmp_path / "in.mkv", *beeps(), "-c:a", "pcm_s16le")
    picture_file(tmp_path / "red.png", (200, 20, 20))
    data = settings_of(source, network, tmp_path, token=TOKEN)
    data["canvas"] = {"fps": 30}
    data["background"] = {"uri": str(tmp_path / "red.png")}
    with serving(tmp_path, data) as served:
        # A page of the same origin, with nothing of its own going on.
        browser.get(f"{served.server.url}/page/page.css")
        browser.execute_script(VIEWER.read_text())
        refused = browser.execute_async_script(
            "const done = arguments[0]; whep.watch('a-wrong-one').then(done, (e) => done(`${e}`))"
        )
        assert "401" in refused
        call(browser, f"whep.watch('{TOKEN}')")
        wait_until(lambda: (browser.execute_script("return whep.tones?.length") or 0) > 1, 30)
        wait_until(lambda: browser.execute_script("return whep.pictures.length") > 45, 30)
        shown, size, loudest = browser.execute_script(
            "return [whep.pictures, [whep.video.videoWidth, whep.video.videoHeight], whep.loudest]"
        )
        assert size == [320, 180]
        assert 0.6 < loudest < 1.0
        corners = np.array([one["corner"][:3] for one in shown])
        assert np.abs(corners - (200, 20, 20)).max() < 16
        # The person is in the middle, flashes, and is seen in the light between.
        middle = np.array([one["middle"][0] for one in shown])
        assert middle.max() > 225
        assert abs(np.median(middle) - 156) < 10
        assert len({one["media"] for one in shown}) > 40
        assert served.daemon.whep.clients() == 1
        call(browser, "whep.leave()")
        assert served.daemon.whep.viewers == 0
