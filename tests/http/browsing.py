"""A real browser, for the tests of the page."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoAlertPresentException,
    StaleElementReferenceException,
    TimeoutException,
    WebDriverException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import browsing

# What the last clicks reached; most tests look at the pictures that are drawn, one opens #whep.
_FIRST = """
window.clicks = [];
addEventListener("click", (event) => {
  window.clicks.push(event.target);
  window.clicks.splice(0, window.clicks.length - 8);
}, true);
try {
  if (location.hash === "#whep") localStorage.removeItem("mattebox-preview");
  else localStorage.setItem("mattebox-preview", "jpeg");
} catch {}
"""

_SEEN = """
const short = (node) => node.id ? `#${node.id}` : (node.outerHTML || node.nodeName).slice(0, 120);
const seen = {};
for (const name of arguments[0]) {
  try {
    const element = document.getElementById(name) || document.querySelector(name);
    if (!element) continue;
    const visible = element.checkVisibility();
    const shown = visible ? element.innerText : `(not visible) ${element.textContent}`;
    seen[name] = shown.slice(0, 800);
  } catch {}
}
const toast = document.getElementById("toast");
return {
  ...seen,
  address: location.href,
  dialogs: [...document.querySelectorAll("dialog[open]")].map(
    (one) => `${short(one)}: ${one.innerText.slice(0, 400)}`),
  toast: toast && (toast.hidden ? `(gone) ${toast.textContent}` : toast.textContent),
  focus: document.activeElement && short(document.activeElement),
  clicks: (window.clicks || []).map(short),
};
"""


@contextmanager
def chromium(folder: Path) -> Iterator[WebDriver]:
    """Headless Chromium with its profile and crash reports in ``folder``."""
    with browsing(folder) as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _FIRST})
        yield driver


def until(browser: WebDriver, what: Callable[[WebDriver], object], timeout: float = 20) -> None:
    """Wait until ``what`` is true.

    Raises TimeoutException after ``timeout`` seconds, with what was waited for, and what the page
    shows: the elements that ``what`` names, its open dialogs, its last message and clicks.
    """
    # The page redraws its lists: an element may be gone just after it was found.
    stale = (StaleElementReferenceException,)
    try:
        WebDriverWait(browser, timeout, 0.05, ignored_exceptions=stale).until(what)
    except TimeoutException as error:
        words = f"not within {timeout:g} s: {_source(what)}; the page shows {_seen(browser, what)}"
        raise TimeoutException(words) from error


def press(browser: WebDriver, selector: str, key: str | None = None, timeout: float = 20) -> None:
    """Click, or send ``key`` to, what ``selector`` finds (CSS), and see that it is reached.

    Selenium clicks at a place: what moves or is redrawn after the place was computed, and on a
    loaded machine that is a second, is missed without an error. Then it is done again, never after
    a click that arrived. Raises as ``until``.
    """

    def reached(b: WebDriver) -> bool:
        element = b.find_element(By.CSS_SELECTOR, selector)
        b.execute_script("window.clicks.length = 0; window.wanted = arguments[0]", element)
        try:
            if key is None:
                element.click()
            else:
                element.send_keys(key)
        except (ElementClickInterceptedException, ElementNotInteractableException):
            return False
        # The element may be replaced by now, as what came of the click.
        return asks(b) or bool(
            b.execute_script("return clicks.some((one) => window.wanted.contains(one))")
        )

    reached.about = (selector,)  # type: ignore[attr-defined]
    until(browser, reached, timeout)


def asks(browser: WebDriver) -> bool:
    """Whether the page asks with a confirm() that is still open."""
    try:
        return bool(browser.switch_to.alert)
    except NoAlertPresentException:
        return False


def text(browser: WebDriver, identity: str) -> str:
    """What an element shows."""
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


def _source(what: Callable[[WebDriver], object]) -> str:
    """The condition as it is written."""
    about = getattr(what, "about", None)
    if about is not None:
        return f"a click that reaches {about[0]!r}"
    try:
        return " ".join(inspect.getsource(what).split())
    except (OSError, TypeError):
        return repr(what)


def _seen(browser: WebDriver, what: Callable[[WebDriver], object]) -> str:
    """What the page shows of what the condition names, and what it asks or tells."""
    names = list(getattr(what, "about", ())) or _names(getattr(what, "__code__", None))
    try:
        found = browser.execute_script(_SEEN, names)
    except WebDriverException as error:
        return f"nothing that could be asked for: {error.msg}"
    return json.dumps(found, ensure_ascii=False, indent=1)


def _names(code: CodeType | None) -> list[str]:
    """The texts in a function: the identities and selectors that it looks for are among them."""
    found: list[str] = []
    for one in code.co_consts if code is not None else ():
        if isinstance(one, str) and one:
            found.append(one)
        elif isinstance(one, CodeType):
            found += _names(one)
    return found
