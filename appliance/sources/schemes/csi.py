"""csi://N: a camera on a Jetson's own connector."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.config.schemes import SourceScheme, Use
from appliance.system.packages import L4T

if TYPE_CHECKING:
    from appliance.config.settings import SourceSettings
    from appliance.sources.base import Source


def check(uri: str) -> str:
    """``csi://`` and the camera's number; without one it is camera 0."""
    if not re.fullmatch(r"csi://\d{0,2}", uri, re.IGNORECASE):
        raise ValueError("a CSI camera is written csi://0")
    return uri


def make(settings: SourceSettings, uri: str) -> Source:
    """The camera, by GStreamer or jetson-utils as ``source.capture`` says."""
    from appliance.sources.capture import choose
    from appliance.sources.csi import SIZE, CsiSource

    sensor = int(uri.partition("://")[2].strip("/") or 0)
    return choose(settings, f"csi://{sensor}", SIZE, lambda: CsiSource(settings, sensor))


SCHEME = SourceScheme(
    names=("csi",),
    place=30,
    written="csi://0",
    check=check,
    live=True,
    exclusive=True,
    by_jetson_utils=True,
    uses=(
        Use(
            "CSI camera",
            (("nvarguscamerasrc", L4T), ("nvvidconv", L4T)),
            place=60,
            only_on_jetson=True,
        ),
    ),
    make=make,
)
