"""Whatever source gives sound is asked for it: half a ``HasSound`` would be silent."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import appliance.sources
from appliance.sources.chosen_sound import SoundOfChosen
from appliance.sources.gstreamer import GstSource
from appliance.sources.web.source import WebSource

WANTED = {"has_sound", "more_sound", "sounds"}


def test_whoever_has_some_of_it_has_all_of_it() -> None:
    found = 0
    for module in pkgutil.walk_packages(appliance.sources.__path__, "appliance.sources."):
        for name, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            has = {wanted for wanted in WANTED if hasattr(one, wanted)}
            assert has in (set(), WANTED), f"{module.name}.{name} has only {has}"
            found += bool(has)
    assert found > 10
    assert issubclass(WebSource, SoundOfChosen)
    assert set(dir(GstSource)) >= WANTED
