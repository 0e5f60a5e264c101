"""Pitch-linear pictures in device memory, as kernels take them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from appliance.media.frame import Colour, Rect


@dataclass(frozen=True, slots=True)
class Surface:
    """A picture in device memory.

    Attributes:
        kind: nv12; yuyv (Y0 Cb Y1 Cr for each pair of pixels); bgrx (four bytes a pixel).
        width, height: pixels.
        address, pitch: of the (luma) plane, pitch in bytes.
        uv, uv_pitch: of NV12's chroma plane.
        colour: matrix and range.
        owner: keeps the memory alive; whoever holds the surface holds the memory.
    """

    kind: Literal["nv12", "yuyv", "bgrx"]
    width: int
    height: int
    address: int
    pitch: int
    uv: int = 0
    uv_pitch: int = 0
    colour: Colour = field(default_factory=Colour)
    owner: object = None

    @property
    def rect(self) -> Rect:
        """The whole picture."""
        return Rect(0, 0, self.width, self.height)

    def check_part(self, rect: Rect) -> None:
        """Raise ValueError unless ``rect`` is inside and even."""
        if rect.area <= 0 or not self.rect.contains(rect):
            raise ValueError(f"{rect} is not inside a surface of {self.width}x{self.height} pixels")
        if (rect.x | rect.y | rect.width | rect.height) & 1:
            raise ValueError(f"{rect}: expected even numbers")

    def arguments(self, prefix: str = "") -> dict[str, float]:
        """Addresses and pitches under the names that kernels use for them."""
        if self.kind == "nv12":
            return {
                f"{prefix}y": self.address, f"{prefix}y_pitch": self.pitch,
                f"{prefix}uv": self.uv, f"{prefix}uv_pitch": self.uv_pitch,
            }  # fmt: skip
        return {f"{prefix}pixels": self.address, f"{prefix}pitch": self.pitch}


def check_alike(task: str, *surfaces: Surface) -> None:
    """Raise ValueError, that one cannot ``task`` them, unless all are NV12 of one even size."""
    first = surfaces[0]
    alike = all(surface.rect == first.rect and surface.kind == "nv12" for surface in surfaces)
    if not alike or (first.width | first.height) & 1:
        found = ", ".join(f"{s.width}x{s.height} {s.kind}" for s in surfaces)
        raise ValueError(f"cannot {task} {found}: expected one even size, and NV12")
