"""Still backgrounds that were made lately, so that going back to one waits for no decoder."""

from __future__ import annotations

from collections import OrderedDict

from appliance.background.base import Background
from appliance.background.make import make_background
from appliance.background.still import StillBackground
from appliance.config.settings import BackgroundSettings
from appliance.config.uris import background_scheme, files_of
from appliance.media.frame import Format, Frame
from appliance.system.file_identity import Identity, identity

# Twenty at 1080p, five at 4K.
MOST_BYTES = 64 << 20

_Key = tuple[BackgroundSettings, Format, tuple[Identity | None, ...]]


class KeptStills:
    """Makes backgrounds, and keeps the pictures of those that stand still. For one thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """``most_bytes``: what is kept, at most; the one used longest ago goes first."""
        self._most = most_bytes
        self._kept: OrderedDict[_Key, Frame] = OrderedDict()

    def make(self, settings: BackgroundSettings, format: Format) -> Background:
        """As ``make_background``. A file that was saved since is read again. Raises InputError."""
        key = (settings, format, _states(settings))
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return StillBackground(kept)
        made = make_background(settings, format)
        # Read while it was saved, it may be neither what it was nor what it is: then not.
        same = _states(settings) == key[2]
        if isinstance(made, StillBackground) and made.picture is not None and same:
            self._kept[key] = made.picture
            while sum(map(_bytes, self._kept.values())) > self._most:
                self._kept.popitem(last=False)
        return made


def _states(settings: BackgroundSettings) -> tuple[Identity | None, ...]:
    paths = files_of(settings.uri, background_scheme(settings.uri))
    return tuple(identity(path.expanduser()) for path in paths)


def _bytes(frame: Frame) -> int:
    return frame.y.nbytes + frame.uv.nbytes
