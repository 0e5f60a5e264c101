"""The person for a switcher to composite: alpha as a picture, and the colour that belongs to it."""

from __future__ import annotations

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import Surface, check_alike
from appliance.pixels.cpu.key_fill import black_of, key_range
from appliance.pixels.gpu.layer import PersonLayer

_BLOCK = (32, 8)


def draw_key(context: Context, layer: PersonLayer, out: Surface) -> None:
    """``cpu.draw_key``.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    check_alike("draw the key of a layer into a picture:", layer.front, out)
    black, steps = key_range(out.colour)
    context.kernels["draw_key"](
        blocks(out.width // 2, out.height // 2, _BLOCK), (*_BLOCK, 1),
        alpha=layer.alpha, alpha_pitch=layer.pitch, **out.arguments("out_"), width=out.width,
        height=out.height, **_sides(layer.rect), black=black, steps=steps,
    )  # fmt: skip


def draw_fill(
    context: Context, layer: PersonLayer, out: Surface, *, straight: bool = False
) -> None:
    """``cpu.draw_fill``; raises as ``draw_key`` does."""
    steps = key_range(out.colour)[1]
    _lay(context, layer, out, black_of(out.colour), steps, straight=straight)


def draw_over_plain(
    context: Context, layer: PersonLayer, colour: tuple[int, int, int], out: Surface
) -> None:
    """``cpu.draw_over_plain``; raises as ``draw_key`` does."""
    _lay(context, layer, out, colour, 255, straight=False)


def _lay(
    context: Context, layer: PersonLayer, out: Surface, colour: tuple[int, int, int], steps: int,
    *, straight: bool,
) -> None:  # fmt: skip
    front = layer.front
    check_alike("lay a layer over one colour into a picture:", front, out)
    context.kernels["draw_over_plain"](
        blocks(out.width // 2, out.height // 2, _BLOCK), (*_BLOCK, 1),
        **front.arguments("fg_"), alpha=layer.alpha, alpha_pitch=layer.pitch,
        **out.arguments("out_"), width=out.width, height=out.height, **_sides(layer.rect),
        plain_y=colour[0], plain_cb=colour[1], plain_cr=colour[2], steps=steps,
        straight=int(straight),
    )  # fmt: skip


def _sides(rect: Rect) -> dict[str, float]:
    return {"left": rect.x, "top": rect.y, "right": rect.right, "bottom": rect.bottom}
