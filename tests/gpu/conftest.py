"""The kernel tests on a real GPU. Everything here is skipped where there is none.

Not yet run on one: no GPU was available when this was written (docs/kernels.md says what has run
where). ``device.EMULATED`` runs some of it on the stand-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gpu.device import found_driver, make_context
from tests.kernels import driver as emulated
from tests.kernels.memory import Memory

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder as gpu."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(scope="session")
def pycuda_driver() -> Any:
    """pycuda with at least one GPU."""
    return found_driver()


@pytest.fixture
def log(pycuda_driver: Any) -> emulated.Log:
    """The driver calls from here on."""
    emulated.log = emulated.Log()
    return emulated.log


@pytest.fixture
def memory(log: emulated.Log) -> Iterator[Memory]:
    """Moves pictures and planes to and from GPU memory, traced."""
    with make_context() as context:
        yield Memory(context)
        context.synchronize()
