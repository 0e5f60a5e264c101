"""Evaluation sets on disk: <set>/<clip>/frames/* and <set>/<clip>/alphas/*, the same stems.

A clip without an alphas folder holds nobody: its true alpha is zero everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from export.evaluation.metrics import Alpha
from export.images import UInt8Image


@dataclass(frozen=True)
class EvaluationClip:
    """Consecutive frames, BGR uint8 (h, w, 3), and true alphas, float32 (h, w) in [0, 1]."""

    set_name: str
    name: str
    frames: list[UInt8Image]
    alphas: list[Alpha]
    rate: float = 30.0


def _images(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in {".png", ".jpg", ".jpeg"})


def load_clip(folder: Path) -> EvaluationClip:
    """Read one clip; raises FileNotFoundError or ValueError that say what is wrong and where."""
    frames_folder, alphas_folder = folder / "frames", folder / "alphas"
    if not frames_folder.is_dir():
        raise FileNotFoundError(f"{folder}: no frames/ folder in it; expected frames/ and alphas/")
    frames: list[UInt8Image] = []
    alphas: list[Alpha] = []
    for path in _images(frames_folder):
        frame = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if frame is None:
            raise ValueError(f"{path}: cannot be decoded as a picture")
        frames.append(np.asarray(frame, np.uint8))
        if not alphas_folder.is_dir():
            alphas.append(np.zeros(frame.shape[:2], np.float32))
            continue
        beside = alphas_folder / f"{path.stem}.png"
        alpha = cv2.imread(str(beside), cv2.IMREAD_GRAYSCALE)
        if alpha is None:
            raise ValueError(f"{beside}: missing or not a picture; every frame needs its alpha")
        if alpha.shape != frame.shape[:2]:
            raise ValueError(
                f"{beside}: {alpha.shape[1]}x{alpha.shape[0]}, its frame is "
                f"{frame.shape[1]}x{frame.shape[0]}"
            )
        alphas.append((alpha / 255.0).astype(np.float32))
    if not frames:
        raise ValueError(f"{frames_folder}: no .png or .jpg in it")
    return EvaluationClip(folder.parent.name, folder.name, frames, alphas)


def find_clips(root: Path) -> list[Path]:
    """Folders of all clips in `root`, which may be a clip, a set or a folder of sets."""
    if not root.is_dir():
        raise FileNotFoundError(
            f"{root}: no such folder; build the sets with 'python -m export label' or give --sets"
        )
    if (root / "frames").is_dir():
        return [root]
    found = sorted({path.parent for path in root.glob("**/frames") if path.is_dir()})
    if not found:
        raise FileNotFoundError(f"{root}: no clip in it; expected <set>/<clip>/frames/")
    return found


def save_clip(folder: Path, frames: list[UInt8Image], alphas: list[UInt8Image] | None) -> None:
    """Write a clip: frames as PNG (lossless: no further damage), alphas uint8 as PNG."""
    (folder / "frames").mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / "frames" / f"{number:04d}.png"), frame)
    if alphas is None:
        return
    (folder / "alphas").mkdir(parents=True, exist_ok=True)
    for number, alpha in enumerate(alphas):
        cv2.imwrite(str(folder / "alphas" / f"{number:04d}.png"), alpha)
