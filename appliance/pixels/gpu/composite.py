"""The GPU's operations on whole frames: composite, paste, blur, conversions.

Names and meaning as in ``cpu``; pictures are ``Surface``s in device memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from appliance.cuda.context import Buffer, Context, blocks
from appliance.media.frame import Colour, Format, Rect
from appliance.media.surface import DeviceOverlay, Surface
from appliance.pixels.cpu.blur import SMALL_SIGMA
from appliance.pixels.cpu.convert import bgr_to_yuv, yuv_to_bgr
from appliance.pixels.cpu.paste import default_ramp
from appliance.pixels.gpu.planes import Plane

_BLOCK = (32, 4)
_SPAN = 16  # columns a thread of the composite makes


@dataclass(frozen=True, slots=True)
class DeviceMatte:
    """A ``Matte`` in device memory.

    Attributes:
        rect: the part of the frame that the grid covers, even on all sides.
        slope, offset: a and b, a plane each: alpha = a*Y + b, clipped to 0..1.
        shift: F-B of Y, Cb and Cr, three planes; None where colours are not corrected.
        levels: see ``Matte``.
        verdict: address of the VERDICT that may forbid the person; 0: none.
    """

    rect: Rect
    slope: Plane
    offset: Plane
    shift: Plane | None
    levels: float = 0.0
    verdict: int = 0


def composite(
    context: Context, frame: Surface, background: Surface, matte: DeviceMatte | None, out: Surface,
    *, feather_fraction: float = 1 / 9, overlay: DeviceOverlay | None = None,
    matte_out: int = 0, matte_pitch: int = 0,
) -> None:  # fmt: skip
    """``Compositor``'s call, with ``blend_overlay`` on top, in one pass.

    Raises:
        ValueError: sizes differ or are odd, or a surface is not NV12.
    """
    surfaces = (frame, background, out)
    if (
        not (frame.rect == background.rect == out.rect)
        or (out.width | out.height) & 1
        or any(surface.kind != "nv12" for surface in surfaces)
    ):
        raise ValueError(
            "cannot composite "
            + ", ".join(f"{s.width}x{s.height} {s.kind}" for s in surfaces)
            + ": expected one even size, and NV12"
        )
    rect = matte.rect if matte else Rect(0, 0, 0, 0)
    if matte:
        out.check_part(rect)
    sides = (
        (rect.x > 0) | (rect.right < out.width) << 1
        | (rect.y > 0) << 2 | (rect.bottom < out.height) << 3
    )  # fmt: skip
    slope = matte.slope if matte else Plane(0, 1, 1)
    context.kernels["composite"](
        blocks(-(-out.width // _SPAN), out.height // 2, _BLOCK), (*_BLOCK, 1),
        **frame.arguments("fg_"), **background.arguments("bg_"), **out.arguments("out_"),
        matte=matte_out, matte_pitch=matte_pitch, width=out.width, height=out.height,
        roi_x=rect.x, roi_y=rect.y, roi_width=rect.width, roi_height=rect.height,
        a=slope.address, b=matte.offset.address if matte else 0,
        shift=matte.shift.address if matte and matte.shift else 0, rows=slope.rows,
        columns=slope.columns, levels=matte.levels if matte else 0.0,
        ramp_x=rect.width * feather_fraction, ramp_y=rect.height * feather_fraction,
        ramp_sides=int(sides), verdict=matte.verdict if matte else 0, **_overlay(overlay),
    )  # fmt: skip


def _overlay(overlay: DeviceOverlay | None) -> dict[str, float]:
    o = overlay or DeviceOverlay(*([0] * 10))
    return {
        "over_y": o.luma, "over_y_pitch": o.luma_pitch, "over_uv": o.chroma,
        "over_uv_pitch": o.chroma_pitch, "over_alpha": o.alpha, "over_alpha_pitch": o.alpha_pitch,
        "over_x": o.x, "over_top": o.y, "over_width": o.width, "over_height": o.height,
    }  # fmt: skip


def paste(
    context: Context, picture: int, picture_pitch: int, size: tuple[int, int], patch: int,
    patch_pitch: int, patch_size: tuple[int, int], channels: int, x: int, y: int,
    ramp: float | None = None,
) -> None:  # fmt: skip
    """``paste``: sizes are (width, height), pitches in bytes.

    Raises:
        ValueError: channels other than 1 to 4, or a ramp that is negative or not finite.
    """
    width, height = patch_size
    ramp = default_ramp(width) if ramp is None else ramp
    if not 1 <= channels <= 4 or not 0 <= ramp < float("inf"):
        raise ValueError(
            f"{channels} channels and a ramp of {ramp} pixels: expected 1 to 4, and 0 or more"
        )
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(width, size[0] - x), min(height, size[1] - y)
    if left >= right or top >= bottom:
        return
    # One word more than the bytes need: the first may begin before the part.
    words = ((right - left) * channels + 3) // 4 + 1
    context.kernels["paste"](
        blocks(words, bottom - top, _BLOCK), (*_BLOCK, 1),
        picture=picture, picture_pitch=picture_pitch, patch=patch, patch_pitch=patch_pitch,
        x=x, y=y, width=width, height=height, channels=channels, left=left, top=top, right=right,
        bottom=bottom, ramp=ramp,
    )  # fmt: skip


def paste_nv12(
    context: Context, frame: Surface, patch: Surface, x: int, y: int, ramp: float | None = None
) -> None:
    """``paste_nv12``: any offset, odd ones too; in place.

    Raises:
        ValueError: the colours differ, or a bad ramp.
    """
    if frame.colour != patch.colour:
        raise ValueError(
            f"cannot paste {patch.colour} into {frame.colour}: convert the patch first"
        )
    ramp = default_ramp(patch.width) if ramp is None else ramp
    paste(
        context, frame.address, frame.pitch, (frame.width, frame.height), patch.address,
        patch.pitch, (patch.width, patch.height), 1, x, y, ramp,
    )  # fmt: skip
    left, top = max(0, x // 2), max(0, y // 2)
    right = min((frame.width + 1) // 2, (x + patch.width + 1) // 2)
    bottom = min((frame.height + 1) // 2, (y + patch.height + 1) // 2)
    if left >= right or top >= bottom:
        return
    context.kernels["paste_chroma"](
        blocks(right - left, bottom - top, _BLOCK), (*_BLOCK, 1),
        picture=frame.uv, picture_pitch=frame.uv_pitch, patch=patch.uv,
        patch_pitch=patch.uv_pitch, x=x, y=y, width=patch.width, height=patch.height, left=left,
        top=top, right=right, bottom=bottom, ramp=ramp,
    )  # fmt: skip


class Blur:
    """``cpu.Blur``: a frame out of focus, from and to device memory."""

    def __init__(self, context: Context, format: Format, radius: float) -> None:
        """``radius`` is the blur's sigma as a fraction of the picture's height."""
        self._context = context
        sigma = radius * format.height
        sizes = (format.width, format.height), (format.width // 2, format.height // 2)
        self._luma = self._plan(*sizes[0], 1, sigma)
        self._chroma = self._plan(*sizes[1], 2, sigma / 2)

    def _plan(self, width: int, height: int, step: int, sigma: float) -> _Plan:
        """Sizes to halve to, and the memory and weights that take."""
        halves, context = [], self._context
        while sigma >= 2 * SMALL_SIGMA and min(width, height) >= 16:
            width, height, sigma = width // 2, height // 2, sigma / 2
            halves.append((width, height, context.alloc(width * height * step)))
        sigma = max(0.3, sigma)
        # OpenCV's size of the kernel for 8-bit pictures.
        size = round(sigma * 6 + 1) | 1
        weights = cv2.getGaussianKernel(size, sigma, cv2.CV_32F).ravel()
        return _Plan(
            step, tuple(halves), size // 2, context.upload(weights),
            context.alloc(4 * width * height * step), context.alloc(width * height * step),
        )  # fmt: skip

    def __call__(self, frame: Surface, out: Surface) -> None:
        """Blur ``frame`` into ``out``, both NV12 of the format's size."""
        size = (frame.width, frame.height)
        self._run(self._luma, frame.address, frame.pitch, size, out.address, out.pitch)
        half = (frame.width // 2, frame.height // 2)
        self._run(self._chroma, frame.uv, frame.uv_pitch, half, out.uv, out.uv_pitch)

    def _run(
        self, plan: _Plan, plane: int, pitch: int, size: tuple[int, int], out: int, out_pitch: int
    ) -> None:
        kernels, step = self._context.kernels, plan.step
        width, height = size
        for half_width, half_height, buffer in plan.halves:
            kernels["halve"](
                blocks(half_width * step, half_height, _BLOCK), (*_BLOCK, 1),
                plane=plane, pitch=pitch, width=width, height=height, step=step,
                out=buffer.address, out_pitch=half_width * step,
            )  # fmt: skip
            plane, pitch, width, height = buffer.address, half_width * step, half_width, half_height
        small = {"width": width, "height": height, "step": step}
        gauss = {"weights": plan.weights.address, "radius": plan.radius}
        grid = blocks(width * step, height, _BLOCK)
        kernels["gauss_rows"](
            grid, (*_BLOCK, 1), plane=plane, pitch=pitch, **small, **gauss, out=plan.sums.address
        )
        kernels["gauss_columns"](
            grid, (*_BLOCK, 1), sums=plan.sums.address, **small, **gauss,
            out=plan.small.address, out_pitch=width * step,
        )  # fmt: skip
        kernels["enlarge"](
            blocks(-(-size[0] * step // 4), size[1], _BLOCK), (*_BLOCK, 1),
            plane=plan.small.address, pitch=width * step, **small, out=out, out_pitch=out_pitch,
            out_width=size[0], out_height=size[1],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    step: int
    halves: tuple[tuple[int, int, Buffer], ...]
    radius: int
    weights: Buffer
    sums: Buffer
    small: Buffer


class Converter:
    """``nv12_to_bgrx``, ``yuyv_to_nv12`` and ``bgrx_to_nv12`` for frames of one colour."""

    def __init__(self, context: Context, colour: Colour) -> None:
        self._context = context
        self._to_bgr = context.upload(yuv_to_bgr(colour))
        self._to_yuv = context.upload(bgr_to_yuv(colour))

    def nv12_to_bgrx(self, frame: Surface, out: Surface) -> None:
        """A frame for a display. Raises ValueError when kinds or sizes do not fit."""
        _same(frame, "nv12", out, "bgrx")
        self._context.kernels["nv12_to_bgrx"](
            blocks(-(-frame.width // 8), (frame.height + 1) // 2, _BLOCK), (*_BLOCK, 1),
            **frame.arguments(), width=frame.width, height=frame.height,
            matrix=self._to_bgr.address, out=out.address, out_pitch=out.pitch,
        )  # fmt: skip

    def yuyv_to_nv12(self, pixels: Surface, out: Surface) -> None:
        """The same picture as NV12. Raises ValueError when kinds or sizes do not fit."""
        _same(pixels, "yuyv", out, "nv12", even=True)
        self._context.kernels["yuyv_to_nv12"](
            blocks(-(-out.width // 8), out.height // 2, _BLOCK), (*_BLOCK, 1),
            **pixels.arguments(), width=out.width, height=out.height, **out.arguments(),
        )  # fmt: skip

    def bgrx_to_nv12(self, pixels: Surface, out: Surface) -> None:
        """The same picture as NV12. Raises ValueError when kinds or sizes do not fit."""
        _same(pixels, "bgrx", out, "nv12", even=True)
        self._context.kernels["bgrx_to_nv12"](
            blocks(out.width // 2, out.height // 2, _BLOCK), (*_BLOCK, 1),
            **pixels.arguments(), width=out.width, height=out.height,
            matrix=self._to_yuv.address, **out.arguments(),
        )  # fmt: skip


def _same(
    source: Surface, source_kind: str, out: Surface, out_kind: str, *, even: bool = False
) -> None:
    odd = even and (out.width | out.height) & 1
    kinds = (source.kind, out.kind)
    if kinds != (source_kind, out_kind) or source.rect != out.rect or odd:
        raise ValueError(
            f"cannot convert {source.kind} of {source.width}x{source.height} to {out.kind} of "
            f"{out.width}x{out.height}: expected {source_kind} to {out_kind} of one size"
            f"{', even' if even else ''}"
        )
