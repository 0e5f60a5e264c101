"""What is said in an avatar's own footage, so that its mouths are known by their sounds."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from appliance.avatars.avatar import AvatarManifest
from appliance.avatars.clip import Clip
from appliance.errors import MatteboxError
from appliance.media.audio import RATE
from appliance.voices.base import Mark
from appliance.voices.recorded import read_recording


def spoken_marks(
    folder: Path, manifest: AvatarManifest, texts: Mapping[str, str], tell: Callable[[str], None]
) -> dict[str, list[Mark]]:
    """The visemes said in the clips that have sound, by the clip's name; only what is sure.

    Listened to are those for talking, and those whose text is known (``texts``, by their names).
    ``tell`` gets why nothing was understood in one. Raises AvatarError for a broken clip.
    """
    found: dict[str, list[Mark]] = {}
    for entry in manifest.clips:
        clip = Clip(folder / entry.file)
        text = texts.get(entry.name, "").strip()
        if not clip.header.sounding or (entry.role != "talk" and not text):
            continue
        try:
            marks = read_recording(_wav(clip), text).speech.marks
        except MatteboxError as error:
            tell(f"{entry.name}: what is said in it was not understood: {error}")
            continue
        visemes = [mark for mark in marks if mark.kind == "viseme"]
        if visemes:
            found[entry.name] = visemes
        else:
            tell(f"{entry.name}: no words were understood in it (English only, by pocketsphinx)")
    return found


def _wav(clip: Clip) -> bytes:
    """The sound of a clip as a WAV file of one channel."""
    parts = [part for n in range(clip.frames) if (part := clip.sound(n)) is not None]
    both = np.concatenate(parts).astype(np.int32)
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(((both[:, 0] + both[:, 1]) // 2).astype("<i2").tobytes())
    return file.getvalue()
