"""A chroma keyer, together with the network or by itself."""

from appliance.config.settings import Settings

ALONE = "chroma"
"""The model that is no network: the keyer then works by itself."""


def keys_alone(settings: Settings) -> bool:
    """Whether there is no network beside the keyer."""
    return settings.matting.model == ALONE


def keys(settings: Settings) -> bool:
    """Whether there is anything to key."""
    return settings.stages.keyer.enabled or keys_alone(settings)
