"""A real browser without a screen, for tests of what browsers are given."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

BROWSER = next((shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")
                if shutil.which(name)), None)  # fmt: skip
DRIVER = shutil.which("chromedriver")

needs_browser = pytest.mark.skipif(
    BROWSER is None or DRIVER is None,
    reason="chromium or chromium-driver is not installed (make test installs them where apt has "
    "them)",
)


@contextmanager
def browsing(folder: Path, *arguments: str) -> Iterator[WebDriver]:
    """A browser whose profile lies in ``folder``, with further command line ``arguments``."""
    options = Options()
    options.binary_location = BROWSER or ""
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--window-size=1280,900", f"--user-data-dir={folder / 'profile'}", *arguments,
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Its profile and crash reports belong in a throwaway folder.
    environment = os.environ | {"XDG_CONFIG_HOME": str(folder / "config")}
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, env=environment))
    driver.set_page_load_timeout(20)
    driver.set_script_timeout(20)
    try:
        yield driver
    finally:
        driver.quit()
