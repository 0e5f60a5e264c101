"""Frames that bring their matte: a soft disc, and noise for a picture, also where nobody is."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from appliance.config.settings import Settings
from appliance.media.frame import U8, Format, Frame, blank
from appliance.networks.none import NoNetwork
from appliance.pipeline.cpu import Pipeline
from tests.scenes import FULL, Stage


def soft_disc(width: int, height: int, x: float = 0.4, radius: float = 0.25) -> U8:
    """A matte, uint8 (height, width); ``x`` of the width, ``radius`` of the height."""
    alpha = np.zeros((height, width), np.uint8)
    cv2.circle(alpha, (round(x * width), height // 2), round(radius * height), 255, -1)
    return np.asarray(cv2.GaussianBlur(alpha, (5, 5), 1), np.uint8)


def matted(alpha: U8 | None, serial: int = 0, shape: tuple[int, int] | None = None) -> Frame:
    """A frame with it, at 30 fps."""
    height, width = shape or (alpha.shape if alpha is not None else (90, 160))
    rng = np.random.default_rng(serial)
    y = rng.integers(0, 256, (height, width), dtype=np.uint8)
    uv = rng.integers(0, 256, (height // 2, width // 2, 2), dtype=np.uint8)
    time = serial * 33_333_333
    return Frame(y, uv, FULL, pts=time, captured=time + 1, serial=serial, alpha=alpha)


def pipeline_of(width: int, height: int, **settings: Any) -> Pipeline:
    """A pipeline without a network, over a background of one luma."""
    format = Format(width, height, (30, 1), FULL)
    return Pipeline(Settings.model_validate(settings), format, NoNetwork(), Stage(width, height))


def composited(pipeline: Pipeline, frame: Frame) -> tuple[Frame, U8]:
    """The composite, and the matte as composited."""
    out, matte = blank(frame.width, frame.height, FULL), np.full(frame.y.shape, 7, np.uint8)
    pipeline.process(frame, out, matte)
    return out, matte


def blended(frame: Frame, alpha: U8, behind: Frame) -> Frame:
    """The composite by its formula, a*F + (1-a)*B; a of a chroma sample is the mean of its four."""
    share = alpha.astype(np.float64) / 255
    pairs = share.reshape(frame.height // 2, 2, frame.width // 2, 2).mean(axis=(1, 3))[..., None]
    y = share * frame.y + (1 - share) * behind.y
    uv = pairs * frame.uv + (1 - pairs) * behind.uv
    return Frame(np.uint8(np.round(y)), np.uint8(np.round(uv)), frame.colour)
