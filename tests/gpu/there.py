"""Importing this fails where there is nothing to run the tests of this folder on."""

from __future__ import annotations

from appliance.cuda.context import load_driver
from appliance.errors import MissingDependency
from tests.gpu.device import EMULATED

if not EMULATED:
    try:
        load_driver()
    except MissingDependency as error:
        raise ImportError(str(error)) from error
