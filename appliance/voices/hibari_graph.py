"""The network of hibari-tts with one more output: how long each sound lasts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from appliance.errors import VoiceError

UNIT_MS = 25.0
"""What the durations count."""
DURATIONS = "/Clip_output_0"
"""The node whose result they are, float32 (sounds,)."""

# Field numbers of ONNX's onnx.proto.
_MODEL_GRAPH, _GRAPH_OUTPUT, _VALUE_NAME = 7, 12, 1


def with_output(model: bytes, name: str) -> bytes:
    """An ONNX model with one of its inner results as a further, last output.

    Two protobuf messages one after the other are read as one, merged: so what is to be added is
    appended, and the onnx package is not needed.
    """
    value = _field(_VALUE_NAME, name.encode())
    return model + _field(_MODEL_GRAPH, _field(_GRAPH_OUTPUT, value))


def _field(number: int, data: bytes) -> bytes:
    """A field with a length, which must be below 128, as must its number be below 16."""
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


class HibariGraph:
    """The network in a session of its own."""

    def __init__(self, model: Path) -> None:
        """Load it. Raises VoiceError when it is not the network of hibari-tts 0.2."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            data = with_output(model.read_bytes(), DURATIONS)
            self._session: Any = ort.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's have no common base below it
            detail = " ".join(str(error).split())[:300]
            raise VoiceError(
                f"{model}: ONNX Runtime cannot load the voice: {detail}; install the version that "
                "Mattebox was made for: pip install --force-reinstall 'mattebox[voices]'"
            ) from error

    def run(
        self, ids: list[int], speed: float
    ) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
        """The spectra that hibari's ``dsp.synth`` wants, and how long each sound lasts, in ms.

        Raises VoiceError when the network throws, or gives no durations.
        """
        feeds = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
        try:
            *spectra, units = self._session.run(None, feeds)
        except Exception as error:  # see above
            detail = " ".join(str(error).split())[:300]
            raise VoiceError(f"the voice hibari failed: ONNX Runtime says: {detail}") from error
        if units.shape != (len(ids),) or not np.isfinite(units).all():
            raise VoiceError(
                f"the voice hibari gave durations of the shape {units.shape} for {len(ids)} sounds"
            )
        return [spectrum[0] for spectrum in spectra], units * UNIT_MS
