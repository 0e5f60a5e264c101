"""A real browser, for the tests of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import browsing


@contextmanager
def chromium(folder: Path) -> Iterator[WebDriver]:
    """Headless Chromium with its profile and crash reports in ``folder``."""
    with browsing(folder) as driver:
        # Most tests look at the pictures that are drawn; one opens the page with #whep.
        source = (
            "try { if (location.hash === '#whep') localStorage.removeItem('mattebox-preview');"
            "else localStorage.setItem('mattebox-preview', 'jpeg') } catch {}"
        )
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        yield driver


def until(browser: WebDriver, what: Callable[[WebDriver], object], timeout: float = 20) -> None:
    # The page redraws its lists: an element may be gone just after it was found.
    stale = (StaleElementReferenceException,)
    WebDriverWait(browser, timeout, 0.05, ignored_exceptions=stale).until(what)


def text(browser: WebDriver, identity: str) -> str:
    return str(browser.find_element(By.ID, identity).text)


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
