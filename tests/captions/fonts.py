"""What the tests of captions need of the system: Pango, and a font for what they draw."""

from __future__ import annotations

from functools import cache

import pytest

from appliance.captions.draw import CaptionDrawer
from appliance.config.settings.stages.captions import CaptionsSettings
from appliance.errors import InputError, MissingDependency


@cache
def _drawer() -> CaptionDrawer:
    return CaptionDrawer()


def drawer_for(text: str = "a") -> CaptionDrawer:
    """Draws captions; skips the test where Pango is missing, or a font for this text."""
    try:
        drawer = _drawer()
        drawer.draw(text, "", CaptionsSettings(), 64, 64)
    except (InputError, MissingDependency) as error:
        pytest.skip(str(error))
    return drawer
