"""The models that the judge compares, each wrapped in a small class: frames in, alphas out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from appliance.config.settings import Settings
from appliance.media.frame import Colour, Format, Frame, Matrix, Range, Rect
from appliance.networks.base import Matting
from appliance.networks.manifest import InputSpec, Manifest, OutputSpec, load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.networks.sizes import load_sizes
from appliance.pipeline.cpu import Pipeline
from appliance.stages.letterbox import inner_rect
from export.evaluation.limit import PerfectAt, perfect
from export.evaluation.metrics import Alpha, grown
from export.images import UInt8Image

MEDIAPIPE = {
    "mediapipe-general": ("selfie_segmentation.onnx", 256, 256),
    "mediapipe-landscape": ("selfie_segmentation_landscape.onnx", 256, 144),
}


class Contender(Protocol):
    """One model in the comparison."""

    name: str

    def start(self, width: int, height: int) -> None:
        """Start a new clip of this size: forget all temporal state."""
        ...

    def alpha(self, frame: UInt8Image) -> Alpha:
        """Alpha, float32 (h, w) in [0, 1], of the next frame, BGR uint8 (h, w, 3)."""
        ...

    def milliseconds(self) -> float:
        """Median milliseconds per frame so far."""
        ...


class BareNetwork:
    """The network alone on the whole frame: no ROI, cleaning, steadying or refinement."""

    def __init__(self, name: str, manifest: Manifest, model: Path, threads: int = 2) -> None:
        self.name = name
        self.manifest = manifest
        self._matting = OnnxRuntimeMatting(manifest, model, threads)
        self._times: list[float] = []

    def start(self, width: int, height: int) -> None:
        """See `Contender`."""
        self._matting.reset()

    def alpha(self, frame: UInt8Image) -> Alpha:
        """See `Contender`. Scaled as the appliance does: by area, black bars past 1.5x stretch."""
        spec = self.manifest.input
        height, width = frame.shape[:2]
        window = self._fill(frame, spec)
        began = time.perf_counter()
        raw = self._matting.infer()
        self._times.append(time.perf_counter() - began)
        part = np.ascontiguousarray(raw[window.y : window.bottom, window.x : window.right])
        return grown(part, width, height)

    def _fill(self, frame: UInt8Image, spec: InputSpec) -> Rect:
        height, width = frame.shape[:2]
        window = inner_rect(Rect(0, 0, width, height), spec)
        shrink = window.width <= width and window.height <= height
        small = cv2.resize(
            frame,
            (window.width, window.height),
            interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR,
        )
        if spec.order == "RGB":
            small = small[:, :, ::-1]
        mean, scale = np.array(spec.mean, np.float32), np.array(spec.scale, np.float32)
        tensor = self._matting.input
        tensor[:] = ((0 - mean) * scale)[:, None, None]
        values = (small.astype(np.float32) - mean) * scale
        tensor[:, window.y : window.bottom, window.x : window.right] = values.transpose(2, 0, 1)
        return window

    def milliseconds(self) -> float:
        """See `Contender`; the network alone."""
        return float(np.median(self._times) * 1e3) if self._times else 0.0


class LiveBackground:
    """A background that nobody looks at: the live frame itself."""

    wants_frame = True

    def frame(self, live: Frame) -> Frame:
        """The live frame as its own background."""
        return live


class WholeAppliance:
    """The network in the appliance's whole path: ROI, clean, steady, refine, the ROI's ramp."""

    def __init__(self, name: str, matting: Matting) -> None:
        self.name = name
        self._matting = matting
        self._pipeline: Pipeline | None = None
        self._serial = 0
        self._size = (0, 0)
        self._times: list[float] = []

    def start(self, width: int, height: int) -> None:
        """See `Contender`."""
        colour = Colour(Matrix.BT601, Range.LIMITED)
        self._size = (width, height)
        format = Format(width, height, (30, 1), colour)
        self._pipeline = Pipeline(Settings(), format, self._matting, LiveBackground())
        self._pipeline.reset()
        self._serial = 0

    def alpha(self, frame: UInt8Image) -> Alpha:
        """See `Contender`. Frames are assumed to be 1/30 s apart."""
        if self._pipeline is None:
            raise RuntimeError("start() was not called; call it before the first frame of a clip")
        live = to_nv12(frame, self._serial)
        out = Frame(live.y.copy(), live.uv.copy(), live.colour)
        matte = np.zeros(frame.shape[:2], np.uint8)
        began = time.perf_counter()
        self._pipeline.process(live, out, matte)
        self._times.append(time.perf_counter() - began)
        self._serial += 1
        return (matte / 255.0).astype(np.float32)

    def milliseconds(self) -> float:
        """See `Contender`; from crop to composite."""
        return float(np.median(self._times) * 1e3) if self._times else 0.0


def to_nv12(frame: UInt8Image, serial: int = 0) -> Frame:
    """BGR uint8 (h, w, 3), even sides, as NV12: BT.601, limited range, 30 frames a second."""
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"frame is {width}x{height}; NV12 from OpenCV needs even sides: crop it")
    planar = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).reshape(-1)
    y = planar[: height * width].reshape(height, width)
    quarter = height * width // 4
    u = planar[height * width : height * width + quarter]
    v = planar[height * width + quarter :]
    uv = np.stack([u, v], axis=-1).reshape(height // 2, width // 2, 2)
    moment = round(serial * 1e9 / 30)
    return Frame(
        np.ascontiguousarray(y),
        np.ascontiguousarray(uv),
        Colour(Matrix.BT601, Range.LIMITED),
        pts=moment,
        captured=moment,
        serial=serial,
        discontinuity=serial == 0,
    )


def mediapipe(name: str, models: Path) -> tuple[Manifest, Path]:
    """Manifest and file of one of the MediaPipe selfie segmenters in the folder `models`."""
    file, width, height = MEDIAPIPE[name]
    model = models / file
    if not model.is_file():
        raise FileNotFoundError(
            f"{model}: no such file; point MATTEBOX_SHARED at the shared folder"
        )
    manifest = Manifest(
        name=name,
        model=file,
        licence="Apache-2.0",
        input=InputSpec(name="input_1", width=width, height=height),
        output=OutputSpec(name=output_name(model), layout="NHWC"),
    )
    return manifest, model


def output_name(model: Path) -> str:
    """Name of an ONNX file's first output."""
    import onnx

    return str(onnx.load(str(model)).graph.output[0].name)


def contender(name: str, models: Path, threads: int = 2) -> Contender | PerfectAt:
    """A contender by name.

    `name` is mediapipe-general, mediapipe-landscape or the path of a manifest, each with
    an optional '+appliance' suffix for the appliance's whole path; or perfect-WIDTHxHEIGHT, what
    the truth would score at that size. `models` holds MediaPipe's.
    """
    limit = perfect(name)
    if limit is not None:
        return limit
    base, plus, rest = name.partition("+")
    if plus and rest != "appliance":
        raise ValueError(f"{name}: '+{rest}' unknown, expected '+appliance' or nothing")
    if base in MEDIAPIPE:
        manifest, model = mediapipe(base, models)
        if plus:
            return WholeAppliance(name, OnnxRuntimeMatting(manifest, model, threads))
        return BareNetwork(base, manifest, model, threads)
    path = Path(base)
    path = path / "manifest.yaml" if path.is_dir() else path
    if plus:
        matting = load_sizes(path, threads)
        return WholeAppliance(f"{matting.manifest.name}+appliance", matting)
    manifest, model = load_manifest(path)
    return BareNetwork(manifest.name, manifest, model, threads)
