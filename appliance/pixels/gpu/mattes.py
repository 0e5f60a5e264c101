"""Mattes drawn by hand: polygons as planes, and the person's layer under them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import Surface
from appliance.pixels.cpu.mattes import around_both
from appliance.pixels.gpu.layer import PersonLayer

_BLOCK = (32, 8)


@dataclass(frozen=True, slots=True)
class HandMattes:
    """``cpu.HandMattes`` in device memory: addresses of dense planes of the picture's size."""

    room: int
    keep: int
    width: int
    height: int
    room_rect: Rect
    keep_rect: Rect


def apply_mattes(
    context: Context, mattes: HandMattes, frame: Surface, layer: PersonLayer
) -> PersonLayer:
    """``cpu.apply_mattes``; returns the layer with the rectangle grown to hold what is kept.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    front = layer.front
    if (
        not (frame.rect == front.rect == Rect(0, 0, mattes.width, mattes.height))
        or (frame.width | frame.height) & 1
        or {frame.kind, front.kind} != {"nv12"}
    ):
        raise ValueError(
            f"mattes of {mattes.width}x{mattes.height} and a layer of {front.width}x{front.height} "
            f"{front.kind} for a frame of {frame.width}x{frame.height} {frame.kind}: expected one "
            "even size, and NV12"
        )
    was, rect = layer.rect, around_both(layer.rect, mattes.keep_rect)
    if rect.area:
        context.kernels["apply_mattes"](
            blocks(rect.width // 2, rect.height // 2, _BLOCK), (*_BLOCK, 1),
            **frame.arguments("fg_"), **front.arguments("out_"), alpha=layer.alpha,
            alpha_pitch=layer.pitch, room=mattes.room, keep=mattes.keep, pitch=mattes.width,
            left=rect.x, top=rect.y, right=rect.right, bottom=rect.bottom,
            was_left=was.x, was_top=was.y, was_right=was.right, was_bottom=was.bottom,
        )  # fmt: skip
    return replace(layer, rect=rect)
