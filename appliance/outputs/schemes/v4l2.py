"""v4l2://: a loopback device, a camera that other programs see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.config import shapes
from appliance.config.schemes import OutputScheme, Use
from appliance.system.packages import GOOD

if TYPE_CHECKING:
    from appliance.config.settings import OutputSettings
    from appliance.outputs.base import Output


def meant(path: str) -> str | None:
    """What to write instead, if ``path`` is a device node; None if it is not."""
    return f"a loopback device is written v4l2://{path}" if shapes.is_video_node(path) else None


def make(output: OutputSettings) -> Output:
    """The output that writes to the device."""
    from appliance.outputs.loopback import LoopbackOutput

    return LoopbackOutput(shapes.device_path(output.uri))


SCHEME = OutputScheme(
    names=("v4l2",),
    place=40,
    written="v4l2:///dev/video9",
    encodes=False,
    check=shapes.device,
    meant=meant,
    path=shapes.device_path,
    destination=lambda uri: f"the device {shapes.device_path(uri)}",
    uses=(Use("loopback", (("v4l2sink", GOOD),), place=80),),
    make=make,
)
