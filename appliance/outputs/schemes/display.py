"""display://: the picture on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config.schemes import OutputScheme, Use
from appliance.system.packages import BAD, X

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output


def make(output: OutputSettings) -> Output:
    """The output for a screen, or a window on it."""
    from appliance.outputs.display.output import DisplayOutput

    return DisplayOutput(output.uri)


SCHEME = OutputScheme(
    names=("display",),
    place=20,
    written="display://",
    encodes=False,
    uses=(Use("display", (("kmssink", BAD), ("ximagesink", X)), place=70),),
    make=make,
)
