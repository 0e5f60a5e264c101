"""The kernels' tests on a real GPU. Everything here skips itself where there is none.

Not run yet: no GPU was at hand when this was written (docs/kernels.md says what has run where).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import MissingDependency
from appliance.pixels.cuda_context import Context, load_driver
from tests.gpu.traced import Traced
from tests.kernels import driver as emulated
from tests.kernels.memory import Memory

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that lies in this folder is marked gpu."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(scope="session")
def pycuda_driver() -> Any:
    """pycuda with at least one GPU."""
    try:
        found = load_driver()
    except MissingDependency:
        pytest.skip("no pycuda here")
    try:
        found.init()
        count = found.Device.count()
    except found.Error as error:
        pytest.skip(f"no GPU here: {error}")
    if count == 0:
        pytest.skip("no GPU here")
    return found


@pytest.fixture
def memory(pycuda_driver: Any) -> Iterator[Memory]:
    """Pictures and planes to and from the memory of the GPU; what is done is traced."""
    emulated.log = emulated.Log()
    with Context(driver=Traced(pycuda_driver, emulated.log)) as context:
        yield Memory(context)
        context.synchronize()
