"""``mattebox avatar list`` and ``remove``."""

from __future__ import annotations

import shutil
import sys

from appliance.avatars.avatar import MANIFEST, avatar_folders, avatars, find_avatar, load_avatar
from appliance.avatars.clip import seconds
from appliance.errors import AvatarError, InputError, StorageError


def list_avatars() -> int:
    """Print each avatar, with what it has; returns 0."""
    names = avatars()
    if not names:
        print(f"no avatars in {avatar_folders()[0]}; make one: mattebox avatar make FOLDER")
    for name in names:
        try:
            avatar = load_avatar(find_avatar(name))
        except AvatarError as error:
            print(f"{name}: cannot be used: {error}")
            continue
        clips = list(avatar.manifest.clips)
        length = sum(seconds(clip.frames, avatar.format.fps) for clip in clips)
        print(
            f"{name}: {avatar.format}, {len(clips)} clips of {length:.1f} s: "
            f"{', '.join(f'{clip.name} ({clip.role})' for clip in clips)}"
        )
    return 0


def remove_avatar(name: str, *, sure: bool) -> int:
    """Remove an avatar's folder, if it is told ``sure`` or says so; returns 0, or 1 if not.

    Raises AvatarError when there is none, InputError when nobody can be asked, StorageError when
    it cannot be removed.
    """
    folder = find_avatar(name)
    if not sure:
        if not sys.stdin.isatty():
            raise InputError(f"{folder}: not removed, as nobody can be asked; give --yes")
        if input(f"remove {folder}, with all its clips? [y/N] ").strip().lower() not in (
            "y",
            "yes",
        ):
            print("not removed")
            return 1
    try:
        # First what makes it an avatar: broken off, no half of it is found.
        (folder / MANIFEST).unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be removed ({error.strerror or error})") from error
    print(f"removed {folder}")
    return 0
