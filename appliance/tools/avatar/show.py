"""``mattebox avatar show``: what is in an avatar, as text and as a sheet of pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
from rich.console import Console
from rich.table import Table

from appliance.avatars.avatar import Avatar, find_avatar, load_avatar
from appliance.avatars.clip import seconds
from appliance.errors import OutputError
from appliance.tools.avatar.sheet import draw_sheet


def show_avatar(name: str, out: Path | None) -> int:
    """Print an avatar's clips and seams; draw its sheet into ``out``, if given. Returns 0.

    Raises AvatarError when it cannot be used, OutputError when the sheet cannot be written.
    """
    avatar = load_avatar(find_avatar(name))
    console = Console()
    stored = sum(clip.header.size for clip in (*avatar.clips.values(), *avatar.seams.values()))
    console.print(
        f"{avatar.name}: {avatar.format}, {stored / 1e6:.0f} MB in {avatar.folder}",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip
    console.print(_clips(avatar))
    console.print(_seams(avatar))
    if out is not None:
        try:
            encoded, data = cv2.imencode(".png", draw_sheet(avatar))
            if not encoded:
                raise OutputError(f"{out}: the sheet could not be encoded as PNG")
            out.write_bytes(data.tobytes())
        except OSError as error:
            raise OutputError(f"{out}: the sheet cannot be written: {error}") from error
        print(out)
    return 0


def _clips(avatar: Avatar) -> Table:
    table = Table(title="clips")
    for column in ("clip", "role", "frames", "seconds", "part of the picture", "sound"):
        table.add_column(column, justify="right" if column in ("frames", "seconds") else "left")
    for entry in avatar.manifest.clips:
        header = avatar.clips[entry.name].header
        rect = header.rect
        table.add_row(
            entry.name, entry.role, str(entry.frames),
            f"{seconds(entry.frames, avatar.format.fps):.2f}",
            f"{rect.width}x{rect.height} at {rect.x},{rect.y}",
            "yes" if header.sounding else "no",
        )  # fmt: skip
    return table


def _seams(avatar: Avatar) -> Table:
    """One row for each way between two clips; J and S are those of the worst seam."""
    table = Table(title="seams", caption="J: largest step by the clips' own; S: lowest sharpness")
    for column in ("from", "to", "seams", "frames", "method", "J", "S"):
        table.add_column(column, justify="left" if column in ("from", "to", "method") else "right")
    ways: dict[tuple[str, str], list[int]] = {}
    for number, seam in enumerate(avatar.manifest.seams):
        ways.setdefault((seam.source, seam.target), []).append(number)
    for (source, target), numbers in ways.items():
        seams = [avatar.manifest.seams[number] for number in numbers]
        methods = dict.fromkeys(seam.method for seam in seams)
        table.add_row(
            source, target, str(len(seams)), str(max(seam.frames for seam in seams)),
            ", ".join(methods), f"{max(seam.jump for seam in seams):.2f}",
            f"{min(seam.sharpness for seam in seams):.2f}",
        )  # fmt: skip
    return table
