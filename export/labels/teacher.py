"""The Apache-licensed MediaPipe selfie segmenter as a coarse teacher: where a person roughly is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

from export.images import FloatImage, UInt8Image


class Teacher:
    """MediaPipe selfie segmentation (general, 256x256) through ONNX Runtime."""

    def __init__(self, model: Path, threads: int = 1) -> None:
        """`model` is the ONNX file. Raises FileNotFoundError when it is missing."""
        if not model.is_file():
            raise FileNotFoundError(
                f"{model}: no such file; expected the MediaPipe selfie segmenter as ONNX. "
                "Point MATTEBOX_SHARED at the shared folder."
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = ort.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def __call__(self, image: UInt8Image) -> FloatImage:
        """Coarse alpha in [0, 1], float32 (h, w), of a BGR uint8 image (h, w, 3)."""
        height, width = image.shape[:2]
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        small = cv2.resize(rgb, (256, 256), interpolation=cv2.INTER_AREA)
        blob = (small.astype(np.float32) / 255.0).transpose(2, 0, 1)[None]
        alpha = np.asarray(self._session.run(None, {self._input: blob})[0], np.float32)
        alpha = alpha.reshape(256, 256)
        return np.clip(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
