"""The GPU that this folder's tests run on: a real one, traced, or the emulated one to try them out.

    GPU_TESTS=emulated python -m pytest tests/gpu/test_pipeline.py

runs the very same code on the stand-in driver, so that it is not run for the first time where
minutes on a GPU are dear.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from appliance.cuda.context import Context, load_driver
from appliance.errors import MissingDependency
from tests.gpu.traced import Traced
from tests.kernels import driver as emulated

EMULATED = os.environ.get("GPU_TESTS") == "emulated"


def found_driver() -> Any:
    """pycuda with at least one GPU, or the stand-in; skips the test that asks where neither is."""
    if EMULATED:
        return emulated
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


def make_context() -> Context:
    """The GPU for this thread; what is asked of the driver is counted in ``emulated.log``."""
    if EMULATED:
        return Context(driver=emulated, image=lambda _: b"", library=emulated.Library())
    return Context(driver=Traced(load_driver()))
