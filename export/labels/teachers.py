"""Published networks that say where people are: each on whole pictures and on crops round people.

Each teacher gives alpha float32 (h, w) in [0, 1] of a BGR uint8 picture, and NaN where it did not
look. No one of them is right: `export.labels.fusion` trusts what several of them say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort

from export.images import FloatImage, UInt8Image

# Left, top, width and height in pixels; may reach over the picture's edges.
Box = tuple[float, float, float, float]

_PERSON_OF_VOC = 15
_U2NET_MEAN, _U2NET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def onnx_session(model: Path, threads: int = 1) -> ort.InferenceSession:
    """An ONNX Runtime session on the CPU. Raises FileNotFoundError when the model is missing."""
    if not model.is_file():
        raise FileNotFoundError(f"{model}: no such file; point MATTEBOX_SHARED at the folder")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def square(box: Box, aspect: float, scale: float) -> Box:
    """A box about the same centre, `scale` times as large, widened to width / height `aspect`."""
    x, y, w, h = box
    height = scale * max(h, w / aspect)
    width = height * aspect
    return x + w / 2 - width / 2, y + h / 2 - height / 2, width, height


def crop(image: UInt8Image, box: Box, width: int, height: int) -> UInt8Image:
    """The box of the picture at another size; black beyond the picture's edges."""
    x, y, w, h = box
    factor = min(width / w, height / h)
    if factor < 0.5:  # averaged first: a warp only interpolates
        size = (
            max(1, round(image.shape[1] * 2 * factor)),
            max(1, round(image.shape[0] * 2 * factor)),
        )
        scale_x, scale_y = size[0] / image.shape[1], size[1] / image.shape[0]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        x, y, w, h = x * scale_x, y * scale_y, w * scale_x, h * scale_y
    pose = np.array([[width / w, 0, -x * width / w], [0, height / h, -y * height / h]], np.float32)
    return np.asarray(cv2.warpAffine(image, pose, (width, height)), np.uint8)


def put_back(alpha: FloatImage, box: Box, shape: tuple[int, int]) -> FloatImage:
    """A crop's alpha on the whole picture (h, w); NaN where the crop did not look."""
    x, y, w, h = box
    rows, columns = alpha.shape
    pose = np.array([[w / columns, 0, x], [0, h / rows, y]], np.float32)
    return np.asarray(
        cv2.warpAffine(
            alpha, pose, (shape[1], shape[0]), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT, borderValue=float("nan"),
        ),
        np.float32,
    )  # fmt: skip


class Selfie:
    """MediaPipe selfie segmentation (Apache-2.0), general or landscape, plain and mirrored."""

    def __init__(self, model: Path) -> None:
        self._session = onnx_session(model)
        put = self._session.get_inputs()[0]
        self._name, (self.height, self.width) = put.name, put.shape[2:]

    def raw(self, image: UInt8Image) -> FloatImage:
        """Alpha on the network's own grid of a picture stretched over it."""
        method = cv2.INTER_AREA if image.shape[1] > self.width else cv2.INTER_LINEAR
        small = cv2.resize(image, (self.width, self.height), interpolation=method)[:, :, ::-1]
        both = []
        for picture in (small, small[:, ::-1]):
            blob = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / 255
            alpha = np.asarray(self._session.run(None, {self._name: blob})[0], np.float32)
            both.append(alpha.reshape(self.height, self.width))
        return np.asarray((both[0] + both[1][:, ::-1]) / 2, np.float32)

    def __call__(self, image: UInt8Image, box: Box | None = None) -> FloatImage:
        """Alpha over the whole picture, or over a box of it."""
        height, width = image.shape[:2]
        box = box or (0, 0, width, height)
        return put_back(self.raw(crop(image, box, self.width, self.height)), box, (height, width))


class U2Net:
    """U2-Net small (Qin et al., 2020): whatever stands out, not only people."""

    def __init__(self, model: Path) -> None:
        self._session = onnx_session(model)
        self._name = self._session.get_inputs()[0].name

    def __call__(self, image: UInt8Image) -> FloatImage:
        """Alpha of what stands out most, stretched to its own range."""
        small = cv2.resize(image, (320, 320), interpolation=cv2.INTER_AREA)[:, :, ::-1]
        values = small.astype(np.float32) / max(1.0, float(small.max()))
        values = (values - np.array(_U2NET_MEAN)) / np.array(_U2NET_DEVIATION)
        blob = np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)
        alpha = np.asarray(self._session.run(None, {self._name: blob})[0], np.float32)[0, 0]
        low, high = float(alpha.min()), float(alpha.max())
        alpha = (alpha - low) / max(high - low, 1e-6)
        size = (image.shape[1], image.shape[0])
        return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _interpreter(model: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


class DeepLab:
    """DeepLabv3 on MobileNetV2 (quantised, VOC's classes): the class `person`, all or nothing."""

    def __init__(self, model: Path) -> None:
        self._net = _interpreter(model)
        self._input = self._net.get_input_details()[0]["index"]
        self._output = self._net.get_output_details()[0]["index"]

    def __call__(self, image: UInt8Image) -> FloatImage:
        """1 where it sees a person, 0 elsewhere; letterboxed into its square."""
        height, width = image.shape[:2]
        box = square((0, 0, width, height), 1.0, 1.0)
        picture = np.ascontiguousarray(crop(image, box, 513, 513)[None, :, :, ::-1])
        self._net.set_tensor(self._input, picture)
        self._net.invoke()
        found = (self._net.get_tensor(self._output)[0] == _PERSON_OF_VOC).astype(np.float32)
        found = cv2.GaussianBlur(found, (0, 0), 2.0)
        return np.nan_to_num(put_back(found, box, (height, width)))


class Pose:
    """MediaPipe's pose network (lite): the mask of the one person a square crop is about."""

    def __init__(self, model: Path) -> None:
        self._net = _interpreter(model)
        self._input = self._net.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._net.get_output_details()[:3]]

    def _look(self, image: UInt8Image, box: Box) -> tuple[float, np.ndarray, FloatImage]:
        picture = crop(image, box, 256, 256)[None, :, :, ::-1].astype(np.float32) / 255
        self._net.set_tensor(self._input, np.ascontiguousarray(picture))
        self._net.invoke()
        points, score, mask = (self._net.get_tensor(index) for index in self._outputs)
        alpha = 1 / (1 + np.exp(-mask[0, :, :, 0].astype(np.float32)))
        return float(score.squeeze()), points.reshape(39, 5), alpha

    def __call__(self, image: UInt8Image, boxes: Sequence[Box]) -> FloatImage:
        """The union of the people that it finds in and then round each box; NaN elsewhere."""
        shape = image.shape[:2]
        union = np.full(shape, np.nan, np.float32)
        for box in boxes:
            score, points, _ = self._look(image, box)
            if score < 0.5:
                continue
            # Two of its points are the hips' middle and one on a circle round the body.
            middle, rim = points[33, :2] / 256, points[34, :2] / 256
            side = float(
                np.clip(2.5 * np.hypot(*(rim - middle)) * box[2], 0.4 * box[2], 3 * box[2])
            )
            x, y = box[0] + middle[0] * box[2], box[1] + middle[1] * box[3]
            closer = (float(x) - side / 2, float(y) - side / 2, side, side)
            score, _, alpha = self._look(image, closer)
            if score > 0.5:
                union = np.fmax(union, put_back(alpha, closer, (shape[0], shape[1])))
        return union


class Faces:
    """YuNet: boxes of faces, to know where to look closer."""

    def __init__(self, model: Path) -> None:
        self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), 0.7)

    def __call__(self, image: UInt8Image) -> list[Box]:
        """Boxes of faces in the picture, the likeliest first."""
        height, width = image.shape[:2]
        box = square((0, 0, width, height), 1.0, 1.0)
        found: Any = self._net.detect(crop(image, box, 320, 320))[1]
        factor = box[2] / 320
        rows = [] if found is None else sorted(found.tolist(), key=lambda row: -row[-1])
        return [
            (box[0] + x * factor, box[1] + y * factor, w * factor, h * factor)
            for x, y, w, h, *_ in rows
        ]


def body_boxes(faces: Sequence[Box], mask: FloatImage) -> Iterator[Box]:
    """Square boxes to look for one body in: below each face, and round parts without a face."""
    covered = np.zeros(mask.shape, bool)
    for x, y, w, h in faces:
        side = 6.0 * max(w, h)
        yield x + w / 2 - side / 2, y + h / 2 - 0.28 * side, side, side
        reach = slice(max(0, int(x - w)), int(x + 2 * w))
        covered[max(0, int(y - h)) : int(y + 6 * h), reach] = True
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    for part in range(1, count):
        inside = labels == part
        if stats[part, cv2.CC_STAT_AREA] < 0.01 * mask.size or (covered & inside).any():
            continue
        x, y, w, h = (float(v) for v in stats[part, :4])
        yield square((x, y, w, h), 1.0, 1.2)
