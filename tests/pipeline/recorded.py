"""Composites of real clips, recorded once and compared byte for byte ever after.

``python -m tests.pipeline.recorded`` records them again into ``recorded.json``. Do that only in a
change that is meant to alter pixels, such as new weights, and say so in its message.

Two things are kept per run: a digest of all its bytes, valid where the arithmetic is the same
(processor, versions of the numerical libraries), and the mean of each cell of a coarse grid, valid
anywhere to within one step of 255.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from appliance.background.blur import BlurBackground
from appliance.background.still import StillBackground
from appliance.config.settings import Settings
from appliance.media.frame import U8, Colour, Format, blank
from appliance.media.rgb import rgb_to_nv12
from appliance.networks.manifest import load_manifest
from appliance.networks.sizes import load_sizes
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.cpu import Pipeline
from appliance.pipeline.gpu import GpuPipeline
from tests.kernels.alike import frames_of
from tests.kernels.emulated import compiler
from tests.kernels.gpus import emulated, fresh
from tests.networks.bright import bright_network

FILE = Path(__file__).with_name("recorded.json")
ROOT = Path(__file__).resolve().parents[2]
CLIPS = ("asl/please.mkv", "greenwall.mp4", "head-pose-female.gif")
NETWORKS = ("bright", "portrait")
# Who is kept: the threshold calls walls people, and all of its components are to be compared.
KEEP = {"bright": "all", "portrait": "taking-part"}
PATHS = ("cpu", "gpu")
FRAMES = 6
# Rows and columns of the grid.
_GRID = (6, 8)


@dataclass(frozen=True)
class Recorded:
    """What is kept per run: SHA-256 of all composites and mattes, means of the last one."""

    sha256: str
    means: list[list[float]]


def arithmetic() -> str:
    """What the last bits depend on: processor, libraries, and the emulation's compiler."""
    from llvmlite import binding

    libraries = ("numpy", "numba", "llvmlite", "onnxruntime", "opencv-python-headless")
    named = [f"{name} {version(name)}" for name in libraries]
    found = compiler()
    asked = [found, "-dumpfullversion"] if found else ["echo", "is missing"]
    built = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout
    return ", ".join([binding.get_host_cpu_name(), *named, f"g++ {built.strip()}"])


def weights(network: Path) -> str:
    """SHA-256 of a network's file."""
    return hashlib.sha256(load_manifest(network)[1].read_bytes()).hexdigest()


def network(name: str, folder: Path) -> Path:
    """The manifest of one of ``NETWORKS``; any files made for it go below ``folder``."""
    if name == "bright":
        return bright_network(folder, width=144, height=80)
    return ROOT / "engines" / name / "manifest.yaml"


def _settings(keep: str) -> Settings:
    # A rescan and a moving ROI within these few frames, and every step switched on.
    return Settings.model_validate(
        {
            "roi": {"rescan_s": 0.1},
            "clean": {"keep": keep},
            "refine": {"decontaminate": True},
            "matting": {"max_coverage": 1.0},
        }
    )


def _pipeline(
    path: str, manifest: Path, format: Format, settings: Settings, blur: bool
) -> FramePipeline:
    flat = np.full((format.height, format.width, 3), (40, 90, 60), np.uint8)
    behind: Any = (
        BlurBackground(format, 0.05) if blur else StillBackground(rgb_to_nv12(flat, Colour()))
    )
    if path == "gpu":
        fresh()
        return GpuPipeline(settings, format, emulated(manifest), behind)
    return Pipeline(settings, format, load_sizes(manifest, 1), behind)


def run(path: str, manifest: Path, clip: Path, *, keep: str, blur: bool) -> Recorded:
    """A clip's first frames through one of ``PATHS``; ``keep`` is ``clean.keep``."""
    frames = list(frames_of(clip, FRAMES))
    assert len(frames) == FRAMES, f"{clip}: {len(frames)} frames"
    first = frames[0]
    digest, last = hashlib.sha256(), first
    format = Format(first.width, first.height, (30, 1))
    pipeline = _pipeline(path, manifest, format, _settings(keep), blur)
    try:
        for frame in frames:
            last = blank(frame.width, frame.height, frame.colour)
            matte = np.zeros((frame.height, frame.width), np.uint8)
            outcome = pipeline.process(frame, last, matte)
            for plane in (last.y, last.uv, matte):
                digest.update(np.ascontiguousarray(plane).tobytes())
            digest.update(repr((outcome.roi, outcome.people)).encode())
    finally:
        pipeline.close()
    return Recorded(digest.hexdigest(), [_means(last.y), _means(last.uv[..., 0])])


def _means(plane: U8) -> list[float]:
    rows = np.array_split(plane.astype(np.float64), _GRID[0], axis=0)
    return [
        round(float(cell.mean()), 1)
        for row in rows
        for cell in np.array_split(row, _GRID[1], axis=1)
    ]


def key(path: str, name: str, clip: str) -> str:
    """A run's name in the file."""
    return f"{path} {name} {clip}"


def record(shared: Path) -> dict[str, Any]:
    """Every run, as kept in the file."""
    runs: dict[str, Any] = {}
    made: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            manifest = network(name, Path(folder) / name)
            made[name] = weights(manifest)
            for k, clip in enumerate(CLIPS):
                for path in PATHS:
                    media = shared / "media" / clip
                    seen = run(path, manifest, media, keep=KEEP[name], blur=k == 1)
                    runs[key(path, name, clip)] = asdict(seen)
    return {"arithmetic": arithmetic(), "weights": made, "runs": runs}


def written(kept: dict[str, Any]) -> str:
    """The file's text: one line per run."""
    runs = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in kept["runs"].items())
    head = json.dumps({k: v for k, v in kept.items() if k != "runs"}, indent=1)
    return f'{head[:-2]},\n "runs": {{\n{runs}\n }}\n}}\n'


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    FILE.write_text(written(record(folder)), encoding="utf-8")
