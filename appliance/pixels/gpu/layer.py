"""The person's layer: true colour and alpha at full size, apart from what is behind."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.cuda.context import Context, blocks
from appliance.media.frame import Rect
from appliance.media.surface import Surface, check_alike
from appliance.pixels.gpu.matte import Matte, matte_arguments

_BLOCK = (32, 8)


@dataclass(frozen=True, slots=True)
class PersonLayer:
    """A ``cpu.PersonLayer`` in device memory.

    Attributes:
        front: NV12: the person's own colour; means nothing where alpha is 0.
        alpha, pitch: address of uint8 (height, width), and bytes from row to row; all 0 where the
            verdict forbids to show anybody.
        rect: what may hold alpha above 0: the ROI, since the host does not know more; even.
    """

    front: Surface
    alpha: int
    pitch: int
    rect: Rect


def separate(
    context: Context, frame: Surface, matte: Matte | None, into: PersonLayer,
    *, feather_fraction: float = 1 / 9,
) -> None:  # fmt: skip
    """``cpu.Separator``'s call; every sample of ``into.alpha`` is written. None: nobody.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    front = into.front
    check_alike("separate the person of a frame into a layer:", frame, front)
    context.kernels["separate"](
        blocks(frame.width // 2, frame.height // 2, _BLOCK), (*_BLOCK, 1),
        **frame.arguments("fg_"), **front.arguments("out_"), alpha=into.alpha,
        alpha_pitch=into.pitch, width=frame.width, height=frame.height,
        **matte_arguments(matte, front, feather_fraction),
    )  # fmt: skip


def blend_layer(
    context: Context, layer: PersonLayer, background: Surface, out: Surface,
    *, matte_out: int = 0, matte_pitch: int = 0,
) -> None:  # fmt: skip
    """``cpu.blend_layer``.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    front = layer.front
    check_alike("lay a layer over a background into a picture:", front, background, out)
    rect = layer.rect
    context.kernels["blend_layer"](
        blocks(out.width // 2, out.height // 2, _BLOCK), (*_BLOCK, 1),
        **front.arguments("fg_"), alpha=layer.alpha, alpha_pitch=layer.pitch,
        **background.arguments("bg_"), **out.arguments("out_"), matte=matte_out,
        matte_pitch=matte_pitch, width=out.width, height=out.height,
        left=rect.x, top=rect.y, right=rect.right, bottom=rect.bottom,
    )  # fmt: skip
