"""What leads from one clip to the next."""

from __future__ import annotations

from pathlib import Path

from appliance.avatars.avatar import AvatarManifest, SeamEntry
from appliance.avatars.clip import Clip
from appliance.tools.bench.progress import Tick


def make_seams(folder: Path, manifest: AvatarManifest, progress: Tick) -> AvatarManifest:
    """The manifest with seams: cuts only, that can be left about once a second.

    Raises AvatarError for a clip that cannot be read.
    """
    clips = {entry.name: entry for entry in manifest.clips}
    idle = [name for name, entry in clips.items() if entry.role == "idle"]
    seams = []
    for done, (name, entry) in enumerate(clips.items()):
        progress(done, len(clips))
        last = entry.frames - 1
        if entry.role != "action":
            seams.append(SeamEntry(source=name, exit=last, target=name, entry=0))
        step = max(1, round(Clip(folder / entry.file).header.format.rate))
        leavable = [*range(step - 1, last, step), last] if entry.role != "action" else [last]
        targets = idle if entry.role != "idle" else [other for other in clips if other != name]
        seams += [
            SeamEntry(source=name, exit=exit, target=target, entry=0)
            for exit in leavable
            for target in targets
        ]
    return manifest.model_copy(update={"seams": tuple(seams)})
