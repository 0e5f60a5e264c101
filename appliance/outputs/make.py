"""From the settings to the output that they name."""

from __future__ import annotations

from appliance.config import settings
from appliance.config.schemes import OUTPUTS
from appliance.config.uris import output_scheme
from appliance.errors import InputError
from appliance.outputs.base import Output
from appliance.system.redact import redact


def make_output(output: settings.OutputSettings) -> Output:
    """The output that a URI names, not yet opened.

    Raises InputError when the URI names none, MissingDependency when its libraries are missing.
    """
    scheme = output_scheme(output.uri)
    if scheme is None:
        raise InputError(
            f"output {redact(output.uri)!r}: expected one of {OUTPUTS.known()}, or a path that "
            "ends in .mp4"
        )
    made: Output = scheme.make(output)
    return made
