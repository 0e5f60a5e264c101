"""``stages.plate``: the empty room, learnt behind the person while they move."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.config.settings.base import Section


class PlateSettings(Section, title="Plate"):
    """The empty room, learnt behind the person while they move; for a camera that stands still."""

    enabled: bool = Field(False, description="learn what stands behind the person")
    matte: bool = Field(
        True, description="use it for the matte: what looks like the empty room is not the person"
    )
    foreground: bool = Field(
        True, description="use it to take the room's colour out of soft edges and hair"
    )
    learn: Literal["always", "button"] = Field(
        "always",
        description="always: wherever nobody is, all the time; button: only when told that nobody "
        "is in view",
    )
    keep: bool = Field(
        False,
        description="keep the learnt room in a file while mattebox is stopped. IT IS A PICTURE OF "
        "THE ROOM; false deletes it",
    )
    show: bool = Field(
        False,
        description="give the learnt room to whoever asks the HTTP server for it. IT IS A PICTURE "
        "OF THE ROOM",
    )
