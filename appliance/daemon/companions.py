"""Canvases for what is made beside the composites: key, fill, the person over green."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.config.settings import Companion, Settings
from appliance.media.canvas import BufferPool
from appliance.media.frame import Format

# Of each kind: one being made and one between, as many held for their time, the last should it be
# shown again, and one more.
_IN_FLIGHT = 6
# At each output: one waiting, one being written, one inside an encoder.
_AN_OUTPUT = 3


@dataclass(frozen=True, slots=True)
class CompanionPool:
    """What is made beside each composite, and the canvases that it is drawn into."""

    kinds: tuple[Companion, ...]
    pool: BufferPool


def companion_pool(settings: Settings, format: Format) -> CompanionPool | None:
    """Canvases for what the outputs ask for; None if that is only the composite.

    Of their own, as they come and go with the outputs. Raises MemoryError.
    """
    asked = [output.companion for output in settings.outputs if output.companion is not None]
    if not asked:
        return None
    kinds = settings.companions
    return CompanionPool(
        kinds, BufferPool(format, _IN_FLIGHT * len(kinds) + _AN_OUTPUT * len(asked))
    )
