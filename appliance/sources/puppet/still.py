"""From a picture file to a figure on its stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from appliance.errors import InputError, MattingError
from appliance.media.frame import U8, Colour, Frame, Rect
from appliance.media.image import read_cut_out
from appliance.media.rgb import rgb_to_nv12
from appliance.networks.pose import PoseNetwork
from appliance.sources.check_file import check_file
from appliance.sources.conform import check_size
from appliance.sources.puppet.figure import make_figure
from appliance.sources.puppet.keying import key
from appliance.sources.puppet.layers import own_colours
from appliance.sources.puppet.plate import complete
from appliance.sources.puppet.stage import PuppetStage
from appliance.sources.puppet.tracker import PoseTracker

STILL = "the still of a puppet,"
"""What errors call it, before its path."""

_LONGEST, _SHORTEST = 1920, 1080


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A picture of a person: RGB, uint8 (height, width, 3), and its own alpha, if it has one."""

    rgb: U8
    alpha: U8 | None
    what: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height that the puppet has by itself: even, within 1920x1080 or 1080x1920."""
        height, width = self.rgb.shape[:2]
        by = min(1.0, _LONGEST / max(width, height), _SHORTEST / min(width, height))
        return max(2, round(width * by / 2) * 2), max(2, round(height * by / 2) * 2)


def read_still(path: Path, longest: int = _LONGEST) -> Still:
    """The picture in a file, upright, in sRGB. Raises InputError."""
    what = f"{STILL} {str(path)!r}"
    check_file(path, STILL)
    found = read_cut_out(path, longest, STILL)
    if found is None:
        raise InputError(
            f"{what}: it is no picture that can be read; expected PNG, JPEG, WebP, BMP or GIF"
        )
    rgb, alpha = found
    check_size(rgb.shape[1], rgb.shape[0], what)
    if alpha is not None and alpha.max(initial=0) < 128:
        raise InputError(f"{what}: all of it is transparent; expected a person in it")
    return Still(rgb, alpha, what)


def set_stage(
    still: Still, size: tuple[int, int], colour: Colour, over: str, network: PoseNetwork
) -> PuppetStage:
    """Cut the person out, find the joints, fill what is behind, and take it all apart.

    Args:
        size: width and height to draw in, even. over: "plate", a colour #RRGGBB, or "": the plate,
            where the still has no alpha of its own, else grey.

    Raises InputError where nobody is found, ModelError where a network cannot be used.
    """
    frame = rgb_to_nv12(_sized(still.rgb, size), colour)
    if still.alpha is not None:
        alpha = np.ascontiguousarray(_sized(still.alpha, size))
        person = frame
    else:
        alpha = key(frame, still.what)
    plate = complete(frame, alpha)
    if still.alpha is None:
        person = own_colours(frame, plate, alpha)
    figure = make_figure(_pose(frame, alpha, network, still.what), alpha)
    own = still.alpha is None and over in ("", "plate")
    if over != "plate" and not own:
        rgb = np.array([int((over or "#808080")[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)
        plate = rgb_to_nv12(np.broadcast_to(rgb, (size[1], size[0], 3)), colour)
    return PuppetStage(person, alpha, figure, plate, frame if own else None)


def _pose(frame: Frame, alpha: U8, network: PoseNetwork, what: str) -> np.ndarray:
    rows, columns = np.flatnonzero((alpha > 127).any(1)), np.flatnonzero((alpha > 127).any(0))
    pose = None
    if len(rows):
        left, top = int(columns[0]), int(rows[0])
        box = Rect(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)
        try:
            pose = PoseTracker(network)(frame, box)
        except MattingError as error:
            raise InputError(f"{what}: {error}; try another picture") from error
    if pose is None:
        raise InputError(
            f"{what}: nobody's head and shoulders are found in it; expected one person from the "
            "front, upright, shoulders in the picture"
        )
    return pose


def _sized(picture: U8, size: tuple[int, int]) -> U8:
    shrinks = picture.shape[1] > size[0] or picture.shape[0] > size[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)
