"""A path or file://: a video file, or a folder of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import SourceScheme, Use
from appliance.system.packages import BASE, GOOD, LIBAV

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def make(settings: SourceSettings, uri: str) -> Source:
    """The file, or the pictures in the folder, played."""
    path = shapes.file_path(uri).expanduser()
    if path.is_dir():
        from appliance.sources.folder import FolderSource

        return FolderSource(settings, path)
    from appliance.sources.file import FileSource

    return FileSource(settings, path)


SCHEME = SourceScheme(
    names=("file",),
    place=40,
    written="a path, file:///…",
    check=shapes.file,
    bare=True,
    path=shapes.file_path,
    has_file=True,
    folders=True,
    live=False,
    uses=(
        Use(
            "files",
            (
                ("decodebin", BASE),
                ("qtdemux", GOOD),
                ("matroskademux", GOOD),
                ("avdec_h264", LIBAV),
            ),
            place=40,
        ),
    ),
    make=make,
)
