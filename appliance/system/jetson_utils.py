"""jetson-utils, NVIDIA's capture and display library for a Jetson: found, imported, told apart.

It is built from source (github.com/dusty-nv/jetson-utils) or comes with NVIDIA's containers. What
the package index calls jetson-utils is something else, of the same import name. This project has
not run it on hardware: its calls were written from the library's sources.
"""

from __future__ import annotations

import importlib
import importlib.util
from importlib.machinery import PathFinder
from typing import Any

from appliance.errors import MissingDependency

UNTRIED = "not tried on hardware by this project yet"

_PACKAGE, _EXTENSION = "jetson_utils", "jetson_utils_python"
_NEEDED = ("videoSource", "videoOutput", "cudaImage", "cudaDeviceSynchronize")


def installed() -> bool:
    """Whether Python would find it, without importing it (CUDA, OpenGL, GStreamer)."""
    try:
        package = importlib.util.find_spec(_PACKAGE)
        if package is None:
            return False
        # Not by its dotted name, for which Python would import the package.
        inside = PathFinder.find_spec(_EXTENSION, package.submodule_search_locations)
        return inside is not None or importlib.util.find_spec(_EXTENSION) is not None
    except (ImportError, ValueError):
        return False


def load() -> Any:
    """The module. Raises MissingDependency when it is not there, is broken, or is a namesake."""
    # First, as GStreamer must not be loaded before what it does.
    importlib.import_module("appliance.media.gst")
    try:
        module = importlib.import_module(_PACKAGE)
    except (ImportError, OSError, RuntimeError) as error:
        raise MissingDependency(
            f"jetson-utils cannot be used here ({' '.join(str(error).split())}); on a Jetson build "
            "it from github.com/dusty-nv/jetson-utils, or leave source.capture at auto"
        ) from error
    missing = [name for name in _NEEDED if not hasattr(module, name)]
    if missing:
        raise MissingDependency(
            f"the module {_PACKAGE} in {getattr(module, '__file__', '?')} has no "
            f"{', '.join(missing)}: it is not NVIDIA's; pip uninstall jetson-utils, then build "
            "github.com/dusty-nv/jetson-utils"
        )
    return module
