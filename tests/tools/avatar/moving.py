"""Clips of a textured disc that moves as it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from appliance.avatars.avatar import AvatarManifest, ClipEntry, Role
from appliance.avatars.clip import Clip, ClipFrame
from appliance.avatars.clip_writer import ClipWriter
from appliance.media.frame import Format, Rect
from appliance.tools.avatar.person import Planes

WIDTH, HEIGHT, RADIUS = 128, 96, 20
FORMAT = Format(WIDTH, HEIGHT, (25, 1))
_TEXTURE = np.random.default_rng(4).integers(60, 200, (64, 64)).repeat(4, 0).repeat(4, 1)


def disc(x: float, y: float = HEIGHT / 2, light: int = 0) -> Planes:
    """The disc with its middle there; ``light`` is added to luma."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    away = np.hypot(across - x, down - y)
    alpha = np.clip((RADIUS + 0.5 - away) * 255, 0, 255).astype(np.uint8)
    rows = np.rint(down - y).astype(int) % len(_TEXTURE)
    columns = np.rint(across - x).astype(int) % len(_TEXTURE)
    luma = np.clip(_TEXTURE[rows, columns] + light, 0, 255).astype(np.uint8)
    uv = np.full((HEIGHT // 2, WIDTH // 2, 2), (110, 150), np.uint8)
    return Planes(luma, uv, alpha)


def nobody() -> Planes:
    """An empty picture."""
    return Planes(*(np.zeros_like(plane) for plane in (disc(0).y, disc(0).uv, disc(0).alpha)))


def write(path: Path, frames: Sequence[Planes], format: Format = FORMAT) -> Clip:
    """A clip of these frames."""
    with ClipWriter(path, format, Rect(0, 0, WIDTH, HEIGHT)) as writer:
        for frame in frames:
            writer.add(frame.y, frame.uv, frame.alpha)
        return writer.finish()


def avatar(folder: Path, clips: Mapping[str, tuple[Role, Sequence[Planes]]]) -> AvatarManifest:
    """The manifest of an avatar without seams, of these clips, which are written."""
    entries = []
    for name, (role, frames) in clips.items():
        header = write(folder / f"{name}.clip", frames).header
        entries.append(
            ClipEntry(
                name=name, role=role, file=f"{name}.clip", frames=len(frames), digest=header.digest
            )
        )
    return AvatarManifest(name="moving", clips=tuple(entries))


def sway(
    count: int, period: float = 12.0, reach: float = 8.0, middle: float = 64.0
) -> list[Planes]:
    """The disc going left and right."""
    at = middle + reach * np.sin(2 * np.pi * np.arange(count) / period)
    return [disc(x) for x in at]


def middle(frame: Planes | ClipFrame) -> float:
    """The column of the canvas that is the middle of alpha."""
    alpha = frame.alpha.astype(float)
    left = frame.rect.x if isinstance(frame, ClipFrame) else 0
    return left + float((alpha * np.arange(alpha.shape[1])).sum() / alpha.sum())
