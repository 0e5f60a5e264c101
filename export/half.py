"""FP16: the same network with half-precision weights and maps, held against FP32.

The precision is written into the graph, so that a strongly typed engine can be built from it;
inputs and outputs stay FP32.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx

from appliance.networks.manifest import Manifest, load_manifest
from appliance.tools.engine.precision import rounded_twin
from appliance.tools.engine.run_graph import GraphRun
from export.evaluation.sets import find_clips

LIMIT = 1 / 255  # mean absolute difference of alpha


@dataclass(frozen=True)
class HalfReport:
    """How far FP16's alpha is from FP32's: mean over frames, worst frame, worst pixel."""

    model: Path
    frames: int
    mean: float
    worst_frame: float
    worst_pixel: float
    finite: bool

    @property
    def passed(self) -> bool:
        """No NaN anywhere, and every frame's mean difference within the limit."""
        return self.finite and self.worst_frame <= LIMIT

    def lines(self) -> list[str]:
        """The report in words."""
        return [
            f"{self.model}: {self.frames} frames",
            f"mean |alpha16 - alpha32| {self.mean * 255:.4f}/255, worst frame "
            f"{self.worst_frame * 255:.4f}/255 (limit 1/255), worst pixel {self.worst_pixel:.4f}",
            "no NaN on black, white, noise and saturated frames"
            if self.finite
            else "NaN or infinity: do not ship",
            "passed" if self.passed else "failed",
        ]


def real_frames(sets: Path, count: int) -> list[np.ndarray]:
    """About `count` frames spread over all clips below `sets`, BGR uint8."""
    paths = sorted(
        path
        for clip in find_clips(sets)
        for path in (clip / "frames").iterdir()
        if path.suffix in {".png", ".jpg"}
    )
    picked = [paths[i] for i in np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)]
    return [np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR)) for path in picked]


def _tensor(frame: np.ndarray, manifest: Manifest) -> np.ndarray:
    spec = manifest.input
    small = cv2.resize(frame, (spec.width, spec.height), interpolation=cv2.INTER_AREA)
    if spec.order == "RGB":
        small = small[:, :, ::-1]
    mean, scale = (np.asarray(v, np.float32) for v in (spec.mean, spec.scale))
    value = (small.astype(np.float32) - mean) * scale
    if spec.layout == "NCHW":
        value = value.transpose(2, 0, 1)
    return np.ascontiguousarray(value[None], np.float32)


def probe_frames(width: int, height: int) -> list[np.ndarray]:
    """Black, white, saturated and noisy frames, BGR uint8 (height, width, 3)."""
    rng = np.random.default_rng(0)
    shape = (height, width, 3)
    plain = [
        np.full(shape, colour, np.uint8)
        for colour in (
            (0, 0, 0),
            (255, 255, 255),
            (255, 0, 0),
            (0, 255, 0),
            (0, 0, 255),
            (0, 255, 255),
        )
    ]
    noise = rng.integers(0, 256, shape).astype(np.uint8)
    return [*plain, noise, np.where(noise > 127, 255, 0).astype(np.uint8)]


def compare_half(folder: Path, sets: Path, count: int = 200) -> HalfReport:
    """Convert in memory, run both on `count` frames of `sets` and on the probe frames.

    `folder` is a model's folder or manifest. Raises ModelError or FileNotFoundError when either
    is not there.
    """
    manifest, path = load_manifest(folder / "manifest.yaml" if folder.is_dir() else folder)
    full = onnx.load(str(path))
    # ONNX Runtime's CPU computes an FP16 graph in FP32 and rounds nothing in between: an overflow
    # would go unseen. The twin rounds wherever the FP16 graph stores.
    runs = [GraphRun(model, manifest) for model in (full, rounded_twin(full))]

    def both(frame: np.ndarray) -> list[np.ndarray]:
        # The state goes on from frame to frame: in FP16 its error may grow.
        tensor = _tensor(frame, manifest)
        return [run(tensor)[0] for run in runs]

    probes = probe_frames(manifest.input.width, manifest.input.height)
    finite = all(np.isfinite(alpha).all() for frame in probes for alpha in both(frame))
    frames = real_frames(sets, count)
    differences = []
    worst_pixel = 0.0
    for frame in frames:
        one, other = both(frame)
        gap = np.abs(one - other)
        finite = finite and bool(np.isfinite(gap).all())
        differences.append(float(gap.mean()))
        worst_pixel = max(worst_pixel, float(gap.max()))
    return HalfReport(
        path, len(frames), float(np.mean(differences)), max(differences), worst_pixel, finite
    )
