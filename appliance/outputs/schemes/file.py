"""A path or file://: a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import OutputScheme, Use
from appliance.system.packages import GOOD

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output

RECORDINGS = (".mp4", ".mkv")


def check(uri: str) -> str:
    """The address, checked: a file of a kind that can be written."""
    uri = shapes.file(uri)
    if shapes.file_path(uri).suffix.lower() not in RECORDINGS:
        raise ValueError(f"a file output must end in {' or '.join(RECORDINGS)}")
    return uri


def make(output: OutputSettings) -> Output:
    """The recording; its file is created when the output opens."""
    from appliance.outputs.encoders import Wanted
    from appliance.outputs.file import FileOutput

    return FileOutput(shapes.file_path(output.uri), Wanted.of(output), output.sound)


SCHEME = OutputScheme(
    names=("file",),
    place=30,
    written="a path that ends in .mp4 or .mkv, file:///….mp4",
    check=check,
    bare=True,
    path=shapes.file_path,
    has_file=True,
    destination=lambda uri: f"the file {shapes.file_path(uri)}",
    patient=True,
    uses=(Use("files", (("mp4mux", GOOD),), place=40),),
    make=make,
)
