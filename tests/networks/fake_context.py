"""A GPU's context over the stand-in driver of the kernels' tests, without kernels."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from appliance.cuda.context import Context
from tests.kernels import driver


class FakeContext(Context):
    """The real class's memory, copies, guards and thread check; the rest is not needed here."""

    def __init__(self) -> None:
        self.driver = SimpleNamespace(**vars(driver))
        self._thread = threading.get_ident()
        self._closed = False
        self._context = driver.Device(0).retain_primary_context()
        self._context.push()
        self.kernels = {}
        self.stream = driver.Stream()
        self._module = None
        self.library = None
