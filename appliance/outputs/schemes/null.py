"""null://: nowhere, for measuring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config.schemes import OutputScheme

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output


def make(output: OutputSettings) -> Output:
    """The output that counts frames and discards them."""
    from appliance.outputs.null import NullOutput

    return NullOutput(output.uri)


SCHEME = OutputScheme(
    names=("null",),
    place=50,
    written="null://",
    destination=None,
    patient=True,
    encodes=False,
    make=make,
)
