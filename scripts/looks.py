"""Writes the looks that are shipped, into appliance/stages/looks/shipped: no arguments.

All are of our own making, formulas over R'G'B' in 0..1; 17 nodes a side, since nothing in them
bends faster than that. Skin is what they are judged by: hues between red and yellow keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

NODES = 17
FOLDER = Path(__file__).resolve().parents[1] / "appliance" / "stages" / "looks" / "shipped"
_LUMA = np.array([0.2126, 0.7152, 0.0722])


def luma(rgb: F64) -> F64:
    """Y' of ITU-R BT.709, (..., 1)."""
    return np.asarray(rgb @ _LUMA)[..., None]


def bend(x: F64, contrast: float) -> F64:
    """An S about the middle with both ends where they are: x + contrast * x (1-x) (2x-1)."""
    return x + contrast * x * (1 - x) * (2 * x - 1)


def saturated(rgb: F64, by: float) -> F64:
    """Colours further from grey, or nearer."""
    return luma(rgb) + by * (rgb - luma(rgb))


def warm(rgb: F64) -> F64:
    """Late light: red lifted and blue lowered in the middle tones, black and white as they were.

    What has a strong colour is tinted less: skin would turn orange.
    """
    strength = (1 - (rgb.max(axis=-1) - rgb.min(axis=-1)))[..., None] ** 2
    tinted = rgb + rgb * (1 - rgb) * strength * np.array([0.22, 0.05, -0.26])
    tinted = tinted + (luma(rgb) - luma(tinted)) * 0.7
    return tinted + (bend(luma(tinted), 0.18) - luma(tinted))


def cool_cinema(rgb: F64) -> F64:
    """Teal shadows, warm lights, less colour in what is dark; contrast of a print."""
    y = luma(rgb)
    shadow, light = (1 - y) ** 2 * y * 4, y**2 * (1 - y) * 4
    tinted = saturated(rgb, 0.86)
    tinted = tinted + shadow * np.array([-0.060, 0.004, 0.050])
    tinted = tinted + light * np.array([0.040, 0.006, -0.034])
    return bend(tinted, 0.45)


def monochrome(rgb: F64) -> F64:
    """Black and white as of film that sees red well: skin is bright, and skies are dark."""
    grey = rgb @ np.array([0.40, 0.48, 0.12])
    return bend(np.repeat(np.asarray(grey)[..., None], 3, axis=-1), 0.35)


LOOKS: dict[str, tuple[str, Callable[[F64], F64]]] = {
    "warm": ("Warm", warm),
    "cool-cinema": ("Cool cinema", cool_cinema),
    "monochrome": ("Monochrome", monochrome),
}


def text(title: str, look: Callable[[F64], F64]) -> str:
    """The file's content: red changes fastest."""
    axis = np.linspace(0, 1, NODES)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    values = np.clip(look(np.stack((red, green, blue), axis=-1)), 0, 1).reshape(-1, 3)
    rows = "".join("{:.5f} {:.5f} {:.5f}\n".format(*row) for row in values)
    return (
        f'TITLE "Mattebox {title}"\n# Made by scripts/looks.py; Apache-2.0.\n'
        f"LUT_3D_SIZE {NODES}\n{rows}"
    )


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, (title, look) in LOOKS.items():
        (FOLDER / f"{name}.cube").write_text(text(title, look), encoding="ascii")


if __name__ == "__main__":
    main()
