"""What every answer is made from: the daemon, its configuration, the folder, the preview."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from appliance.config.load import LoadedConfig
from appliance.config.settings.http import HttpSettings
from appliance.daemon.changes import Reloader
from appliance.daemon.daemon import Daemon
from appliance.http.backgrounds import Folder, Limits
from appliance.http.offload import Aside
from appliance.http.preview import Preview
from appliance.system.gpus import Gpus


class Site:
    """One appliance, as one HTTP server sees it."""

    def __init__(
        self,
        daemon: Daemon,
        reloader: Reloader,
        load: Callable[..., LoadedConfig],
        settings: HttpSettings,
    ) -> None:
        """Put together.

        Args:
            daemon: what runs. reloader: what changes it.
            load: reads the configuration again.
            settings: those of this server.
        """
        self.daemon, self.reloader, self.load = daemon, reloader, load
        self.folder = Folder(settings.folder)
        self.limits = Limits(
            settings.upload_mb * 10**6, settings.upload_mpixels * 10**6, settings.folder_mb * 10**6
        )
        self.preview = Preview(
            daemon.tap,
            settings.preview_fps,
            settings.preview_width,
            settings.viewers,
            strained=lambda: daemon.shedding.state.level > 0,
        )
        self.aside = Aside()
        self.gpus = Gpus()
        self.changing = threading.Lock()
        """Held while a change is made: one at a time."""
        self.uploading = threading.Lock()
        """Held while an upload comes, which may take long: one at a time."""
        self.snapshots = threading.BoundedSemaphore(2)
        """Held for each snapshot: one holds a canvas for a moment, of which there are few."""
        self.thumbnails: dict[tuple[str, int, int], bytes] = {}
        self.started = time.monotonic()

    def close(self) -> None:
        """End what would go on by itself; from any thread."""
        self.preview.close()

    def temperatures(self) -> dict[str, float]:
        """Degrees Celsius by thermal zone; those of one name are numbered."""
        found: dict[str, float] = {}
        for zone in self.daemon.thermometer.zones:
            found[zone.name if zone.name not in found else f"{zone.name} {len(found)}"] = (
                zone.celsius
            )
        return found
