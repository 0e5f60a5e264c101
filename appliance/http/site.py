"""What every answer draws on: the daemon, its configuration, the folder, the preview."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from appliance.avatars.avatar import avatars
from appliance.config.load import LoadedConfig
from appliance.config.settings.http import HttpSettings
from appliance.daemon.changes import Reloader
from appliance.daemon.daemon import Daemon
from appliance.http.backgrounds import Folder, Limits
from appliance.http.event_stream import MOST
from appliance.http.offload import Aside
from appliance.http.permitted import Places
from appliance.http.preview import Preview
from appliance.http.recordings import Recordings
from appliance.system import devices
from appliance.system.gpus import Gpus

_RECORDINGS_READ = 2


class Site:
    """One appliance, as one HTTP server sees it."""

    def __init__(
        self,
        daemon: Daemon,
        reloader: Reloader,
        load: Callable[..., LoadedConfig],
        settings: HttpSettings,
    ) -> None:
        """Put it together.

        Args:
            daemon: what runs. reloader: what changes it.
            load: reads the configuration again.
            settings: of this server.
        """
        self.daemon, self.reloader, self.load = daemon, reloader, load
        self.folder = Folder(settings.folder)
        self.limits = Limits(
            settings.upload_mb * 10**6, settings.upload_mpixels * 10**6, settings.folder_mb * 10**6
        )
        self.recordings = Recordings(settings.recordings_folder)
        self.editor = settings.editor
        self.key = secrets.token_bytes(32)
        """For digests of what must not be guessed."""
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
        self.checking = threading.Lock()
        """Held while a text is checked, which takes the interpreter's time: one at a time."""
        self.uploading = threading.Lock()
        """Held while an upload arrives, which may take long: one at a time."""
        self.snapshots = threading.BoundedSemaphore(2)
        """One per snapshot, which briefly holds a canvas, of which there are few."""
        self.event_places = threading.BoundedSemaphore(min(MOST, settings.connections // 2))
        """One per reader of events: they stay, and everybody else needs connections, too."""
        self.recordings_read = threading.BoundedSemaphore(_RECORDINGS_READ)
        """One per recording whose words are looked for, which takes seconds and a core."""
        self.ending = threading.Event()
        """Set when the server is to stop: whatever goes on by itself ends."""
        self.thumbnails: dict[tuple[str, int, int], bytes] = {}
        self.started = time.monotonic()

    def close(self) -> None:
        """End whatever would go on by itself; callable from any thread."""
        self.ending.set()
        self.preview.close()

    def places(self) -> Places:
        """Where outputs may go and pictures come from; looks at the devices, off the loop."""
        found = devices.find()
        return Places(
            recordings=self.recordings.path,
            backgrounds=self.folder.path,
            cameras=frozenset(f"v4l2://{camera.path}" for camera in found.cameras),
            avatars=frozenset(f"avatar://{name}" for name in avatars()),
            loopbacks=frozenset(f"v4l2://{device.path}" for device in found.loopbacks),
        )

    def temperatures(self) -> dict[str, float]:
        """Degrees Celsius by thermal zone; zones of the same name are numbered."""
        found: dict[str, float] = {}
        for zone in self.daemon.thermometer.zones:
            found[zone.name if zone.name not in found else f"{zone.name} {len(found)}"] = (
                zone.celsius
            )
        return found
