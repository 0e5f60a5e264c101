"""The sound of a source that plays another one, which it chooses when it is opened."""

from __future__ import annotations

from appliance.media.audio import AudioBlock
from appliance.sources.base import HasSound, Source


class SoundOfChosen:
    """Has the sound of ``_chosen``, as ``HasSound`` asks for it; none where that has none."""

    _chosen: Source | None = None

    @property
    def has_sound(self) -> bool:
        """See ``HasSound``."""
        chosen = self._chosen
        return chosen.has_sound if isinstance(chosen, HasSound) else False

    @property
    def more_sound(self) -> bool:
        """See ``HasSound``."""
        chosen = self._chosen
        return chosen.more_sound if isinstance(chosen, HasSound) else False

    def sounds(self) -> list[AudioBlock]:
        """See ``HasSound``."""
        chosen = self._chosen
        return chosen.sounds() if isinstance(chosen, HasSound) else []
