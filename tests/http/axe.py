"""axe-core in the page that a browser shows, and the colours that the page is shown in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import pytest
from selenium.webdriver.remote.webdriver import WebDriver


def axe() -> str:
    """Its script; skips the test where it is not installed."""
    pytest.importorskip("axe_core_python", reason="pip install axe-core-python (the extra dev)")
    return resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(browser: WebDriver, rules: str = "") -> list[str]:
    """What axe-core says of the page as it is; ``rules``: only this one."""
    found: list[dict[str, Any]] = browser.execute_async_script(
        "const [rule, done] = [arguments[0], arguments[arguments.length - 1]];"
        "const options = { resultTypes: ['violations'], iframes: false };"
        "if (rule) options.runOnly = { type: 'rule', values: [rule] };"
        "axe.run(document, options).then(result => done(result.violations))",
        rules,
    )
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"]
    ]


@contextmanager
def in_colours(browser: WebDriver, colours: str) -> Iterator[None]:
    """As a system shows it that is ``dark`` or ``light``, and moves nothing."""
    features = [{"name": "prefers-color-scheme", "value": colours},
                {"name": "prefers-reduced-motion", "value": "reduce"}]  # fmt: skip
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
