"""A path or file://: a recording, or a playlist for HLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import OutputScheme, Use
from appliance.system.packages import BAD, GOOD, LIBAV

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output

RECORDINGS = (".mp4", ".mkv")
PLAYLIST = ".m3u8"


def check(uri: str) -> str:
    """The address, checked: a file of a kind that can be written."""
    uri = shapes.file(uri)
    if shapes.file_path(uri).suffix.lower() not in (*RECORDINGS, PLAYLIST):
        raise ValueError(f"a file output must end in {', '.join(RECORDINGS)} or {PLAYLIST} (HLS)")
    return uri


def make(output: OutputSettings) -> Output:
    """The recording or the playlist; its files are created when the output opens."""
    from appliance.outputs.encoders import Wanted
    from appliance.outputs.file import FileOutput
    from appliance.outputs.hls import HlsOutput

    path = shapes.file_path(output.uri)
    video = Wanted.of(output)
    if path.suffix.lower() == PLAYLIST:
        return HlsOutput(path, video, output.sound)
    return FileOutput(path, video, output.sound, captions=output.captions == "srt")


SCHEME = OutputScheme(
    names=("file",),
    place=30,
    written="a path that ends in .mp4, .mkv or .m3u8 (HLS), file:///….mp4",
    check=check,
    bare=True,
    path=shapes.file_path,
    has_file=True,
    destination=lambda uri: f"the file {shapes.file_path(uri)}",
    patient=True,
    uses=(
        Use("files", (("matroskamux", GOOD),), place=40),
        Use("HLS", (("hlssink2", BAD), ("avenc_aac", LIBAV), ("aacparse", GOOD)), place=45),
    ),
    make=make,
)
