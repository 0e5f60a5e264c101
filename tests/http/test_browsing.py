"""What the tests of the page rely on: a click arrives, and a wait that fails says what is seen."""

from __future__ import annotations

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from tests.http.browsing import press, until

PAGE = """data:text/html,<p id=told>waiting</p><dialog id=box>really?</dialog>
<button id=go style="display:block;height:30px" onclick="told.textContent += '!'">go</button>
"""
# The mouse arrives, and only then what stands above has its content.
MOVES = (
    "addEventListener('mousemove', () => document.body.prepend("
    "Object.assign(document.createElement('p'), { textContent: 'late' })), { once: true })"
)
# The button is made anew while it is pressed.
IS_REDRAWN = (
    "addEventListener('mousedown', () => go.replaceWith(go.cloneNode(true)), { once: true })"
)


@pytest.mark.parametrize("change", [MOVES, IS_REDRAWN])
def test_a_click_that_missed_is_done_again(browser: WebDriver, change: str) -> None:
    browser.get(PAGE)
    browser.execute_script(change)
    browser.find_element(By.ID, "go").click()  # without an error
    assert browser.find_element(By.ID, "told").text == "waiting"
    browser.get(PAGE)
    browser.execute_script(change)
    press(browser, "#go")
    assert browser.find_element(By.ID, "told").text == "waiting!"
    # One that arrived is not done again, whatever it leads to.
    browser.execute_script("go.addEventListener('click', () => go.replaceWith(go.cloneNode(true)))")
    press(browser, "#go", Keys.ENTER)
    assert browser.find_element(By.ID, "told").text == "waiting!!"


def test_a_wait_that_fails_says_what_the_page_shows(browser: WebDriver) -> None:
    browser.get(PAGE)
    press(browser, "#go")
    browser.execute_script("box.showModal()")
    with pytest.raises(TimeoutException) as caught:
        until(browser, lambda b: "done" in b.find_element(By.ID, "told").text, 0.1)
    words = str(caught.value)
    assert "not within 0.1 s: " in words
    assert '"done" in b.find_element(By.ID, "told").text' in words
    for shown in ('"told": "waiting!"', "#box: really?", '"clicks": [\n  "#go"'):
        assert shown in words
    with pytest.raises(TimeoutException, match="a click that reaches '#go'"):
        press(browser, "#go", timeout=0.3)
