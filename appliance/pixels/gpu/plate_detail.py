"""The plate at full size: the person's own colour along the edge."""

from __future__ import annotations

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.pixels.gpu.layer import PersonLayer
from appliance.pixels.gpu.plate import Plate

_BLOCK = (32, 8)


def true_colour(
    context: Context, layer: PersonLayer, frame: Surface, plate: Plate, light: int, within: Rect,
    known: int,
) -> None:  # fmt: skip
    """``cpu.true_colour``, in place; nothing while the ``DeviceLight`` says it is not used.

    Raises:
        ValueError: sizes differ, or a surface is not NV12.
    """
    front, picture = layer.front, plate.picture
    if not (frame.rect == front.rect == picture.rect) or {frame.kind, front.kind} != {"nv12"}:
        raise ValueError(
            f"a layer of {front.width}x{front.height} {front.kind} and a plate of "
            f"{picture.width}x{picture.height} for a frame of {frame.width}x{frame.height} "
            f"{frame.kind}: expected one size, and NV12"
        )
    rect = layer.rect.intersect(within)
    if rect.area == 0:
        return
    context.kernels["plate_true_colour"](
        blocks(rect.width // 2, rect.height // 2, _BLOCK), (*_BLOCK, 1), **frame.arguments(),
        **picture.arguments("plate_"), times=plate.times.address, cell=plate.cell,
        cell_columns=plate.cells[1], light=light, **front.arguments("front_"), alpha=layer.alpha,
        alpha_pitch=layer.pitch, width=frame.width, height=frame.height, left=rect.x, top=rect.y,
        right=rect.right, bottom=rect.bottom, known=known,
    )  # fmt: skip
