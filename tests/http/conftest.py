"""One appliance with HTTP, shared by the tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from appliance.http.guard import wrong_tokens
from tests.browser import BROWSER, DRIVER
from tests.http.browsing import chromium
from tests.http.serving import Served, picture_file, serving, settings_of
from tests.http.theatre import idle, playing


@pytest.fixture(scope="package")
def shared_appliance(
    tmp_path_factory: pytest.TempPathFactory, network: Path, room: Path
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("http")
    backgrounds = folder / "backgrounds"
    backgrounds.mkdir()
    picture_file(backgrounds / "red.png", (200, 20, 20))
    picture_file(backgrounds / "blue.jpg", (20, 20, 200))
    with serving(folder, settings_of(room, network, backgrounds)) as served:
        yield served


@pytest.fixture(scope="package")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """Headless Chromium, one for all tests of the page."""
    if BROWSER is None or DRIVER is None:
        pytest.skip(
            "chromium or chromium-driver is not installed (make test installs them where apt has "
            "them)"
        )
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def browser(shared_browser: WebDriver) -> WebDriver:
    """It, as it is at first: no page, nothing logged, its own size."""
    shared_browser.get("about:blank")
    shared_browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    shared_browser.get_log("browser")
    return shared_browser


@pytest.fixture
def appliance(shared_appliance: Served) -> Iterator[Served]:
    """The shared appliance; reset to its file afterwards."""
    yield shared_appliance
    shared_appliance.client.headers.pop("X-Test", None)
    outcome = shared_appliance.reloader.ask().result(10)
    assert outcome.refusal is None


@pytest.fixture(scope="package")
def shared_theatre(tmp_path_factory: pytest.TempPathFactory, network: Path) -> Iterator[Served]:
    """An appliance that plays an avatar, with room for one session beside it."""
    with playing(tmp_path_factory.mktemp("theatre"), network, sessions={"most": 1}) as served:
        yield served


@pytest.fixture
def theatre(shared_theatre: Served) -> Iterator[Served]:
    """It, silent before and after."""
    idle(shared_theatre)
    yield shared_theatre
    idle(shared_theatre)


@pytest.fixture(autouse=True)
def _all_tries_left() -> None:
    wrong_tokens.forget()
