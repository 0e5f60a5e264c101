"""A clip through both paths: the emulated kernels beside the CPU, and their difference, as PNG.

    python -m tests.kernels.evidence FOLDER --clip CLIP --background PICTURE [--frames 12]

Writes input, cpu, emulated and difference (64 times as strong, grey is none) of the last frame, and
prints how far the two are apart over all frames. The network is the shipped one, on the CPU, for
both. Without a clip: the disc of tests/scenes.py, and a threshold in place of the network.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from appliance.config.settings import Settings
from appliance.media.frame import F32, Colour, Frame, blank
from appliance.media.rgb import rgb_to_nv12
from appliance.networks.manifest import InputSpec, load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.pixels import cpu
from appliance.pixels.cpu.picture import to_bgr
from appliance.pixels.gpu import Context, Raw, Tensor
from appliance.stages.letterbox import inner_rect
from appliance.stages.roi import Tracker
from appliance.stages.timings import StageClock
from appliance.tools.bench.device_path import FramePath
from tests.kernels import driver
from tests.kernels.alike import difference
from tests.kernels.memory import Memory
from tests.kernels.postprocess import PostProcess
from tests.scenes import disc, flat

ROOT = Path(__file__).resolve().parent.parent.parent


def clip_frames(path: Path, count: int) -> list[Frame]:
    """The first frames of a clip."""
    capture, frames = cv2.VideoCapture(str(path)), []
    for _ in range(count):
        there, picture = capture.read()
        if not there:
            break
        frames.append(rgb_to_nv12(np.ascontiguousarray(picture[:, :, ::-1]), Colour()))
    capture.release()
    if not frames:
        raise SystemExit(f"{path}: no frames could be read")
    return frames


def picture_frame(path: Path, like: Frame) -> Frame:
    """A picture as a background, at the frame's size."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path}: no picture could be read")
    scale = max(like.width / picture.shape[1], like.height / picture.shape[0])
    picture = cv2.resize(picture, None, fx=scale + 1e-3, fy=scale + 1e-3)
    picture = np.asarray(picture[: like.height, : like.width, ::-1], np.uint8)
    return rgb_to_nv12(np.ascontiguousarray(picture), like.colour)


class Both:
    """Both paths over the same frames, with the same alpha."""

    def __init__(
        self, memory: Memory, spec: InputSpec, infer: Callable[[F32], F32], frame: Frame
    ) -> None:
        settings = Settings()
        self._memory, self._spec, self._infer, self._settings = memory, spec, infer, settings
        self._mean, self._scale = np.array(spec.mean, np.float32), np.array(spec.scale, np.float32)
        self._tensor = np.zeros((3, spec.height, spec.width), np.float32)
        self._buffer = memory.buffer(self._tensor)
        tensor = Tensor(self._buffer.address, spec.height, spec.width)
        self.path = FramePath(
            memory.context, settings, tensor, frame.colour, mean=self._mean, scale=self._scale,
            bgr=spec.order == "BGR",
        )  # fmt: skip
        self.post = PostProcess(settings, StageClock())
        self.compositor = cpu.Compositor()
        aspect = spec.width / spec.height
        self.tracker = Tracker(settings.roi, frame.width, frame.height, aspect)
        self.tensor_error = 0.0

    def __call__(self, frame: Frame, background: Frame) -> tuple[Frame, Frame]:
        """The CPU's composite, and the emulated kernels'."""
        spec, roi = self._spec, self.tracker.roi
        inner = inner_rect(roi, spec)
        window = (slice(inner.y, inner.bottom), slice(inner.x, inner.right))
        planes = np.empty((3, inner.height, inner.width), np.float32)
        cpu.crop_planes(frame, roi, planes)
        self._tensor[:] = ((0 - self._mean) * self._scale)[:, None, None]
        cpu.planes_to_tensor(
            planes, frame.colour, self._mean, self._scale, self._tensor[:, window[0], window[1]],
            bgr=spec.order == "BGR",
        )  # fmt: skip
        alpha = self._infer(self._tensor)
        found = self.post(alpha[window], planes, roi, frame=frame)
        want = blank(frame.width, frame.height, frame.colour)
        fraction = self._settings.roi.ramp
        self.compositor(frame, background, found.matte, want, feather_fraction=fraction)

        memory = Memory(self._memory.context)
        surface = memory.picture(frame).surface
        self.path.look(surface, roi, inner)
        made = memory.read_as(self._buffer, self._tensor.shape, np.float32)
        self.tensor_error = max(self.tensor_error, float(np.abs(made - self._tensor).max()))
        whole = memory.raw(alpha)
        at = whole.address + 4 * (inner.y * whole.stride + inner.x)
        raw = Raw(at, whole.stride, inner.height, inner.width)
        out = memory.picture(blank(frame.width, frame.height, frame.colour))
        self.path.launch(raw, surface, memory.picture(background).surface, out.surface)
        self.path.report()
        self.tracker.update(found.box)
        return want, out.read()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--background", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    arguments = parser.parse_args()
    manifest, model = load_manifest(ROOT / "engines" / "portrait" / "manifest.yaml")
    spec = manifest.input
    if arguments.clip:
        frames = clip_frames(arguments.clip, arguments.frames)
        matting = OnnxRuntimeMatting(manifest, model, 1)

        def infer(tensor: F32) -> F32:
            matting.input[:] = tensor
            return np.array(matting.infer())

    else:
        frames = [disc(640, 360, 300 + 4 * k, 180, 90, k) for k in range(arguments.frames)]
        scale = np.array(spec.scale, np.float32)

        def infer(tensor: F32) -> F32:
            grey = tensor.mean(axis=0) / scale.mean() + np.mean(spec.mean)
            return np.clip((grey - 130) / 60, 0, 1).astype(np.float32)

    first = frames[0]
    behind = flat(first.width, first.height, 120)
    behind = Frame(behind.y, behind.uv, first.colour)
    if arguments.background:
        behind = picture_frame(arguments.background, first)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    worst = differ = total = 0
    with Context(driver=driver, image=lambda architecture: b"") as context:
        both = Both(Memory(context), spec, infer, first)
        for frame in frames:
            want, got = both(frame, behind)
            for a, b in ((want.y, got.y), (want.uv, got.uv)):
                away = np.abs(a.astype(int) - b)
                worst = max(worst, int(away.max()))
                differ, total = differ + int((away > 0).sum()), total + away.size
        error = both.tensor_error
    pictures = {
        "input": to_bgr(frame), "cpu": to_bgr(want), "emulated": to_bgr(got),
        "difference": difference(want, got),
    }  # fmt: skip
    for name, picture in pictures.items():
        cv2.imwrite(str(arguments.folder / f"{name}.png"), picture)
    print(
        f"{len(frames)} frames of {first.width}x{first.height}: samples that differ "
        f"{differ} of {total} ({100 * differ / total:.3f} %), at most {worst} of 255; "
        f"network input apart by at most {error:.2g}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
