"""A context over the emulated kernels, and devices for pictures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.cuda.context import Context
from tests.kernels import driver
from tests.kernels.emulated import compiler
from tests.kernels.memory import Memory


@pytest.fixture
def memory() -> Iterator[Memory]:
    """Pictures and planes to and from the memory of an emulated GPU."""
    if compiler() is None:
        pytest.skip("no C++ compiler (g++): the kernels cannot be emulated here")
    driver.log = driver.Log()
    with Context(driver=driver, image=lambda architecture: b"") as context:
        yield Memory(context)
    assert driver.log.depth == 0
