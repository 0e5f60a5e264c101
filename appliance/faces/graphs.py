"""The ONNX graphs of a lip-sync network: checked when they are loaded, and after each run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from appliance.errors import FaceError
from appliance.media.frame import F32
from appliance.networks.onnxruntime import ORT_ERRORS, open_session


class FaceGraph:
    """One graph in an ONNX Runtime session."""

    def __init__(self, path: Path, inputs: tuple[str, ...], output: str) -> None:
        """Raises ModelError when it is not ONNX, FaceError when it has other names."""
        self._session, _ = open_session(path)
        self._path, self._output = path, output
        self._shapes = {t.name: _sides(t) for t in self._session.get_inputs()}
        outputs = {t.name: _sides(t) for t in self._session.get_outputs()}
        if set(self._shapes) != set(inputs) or output not in outputs:
            raise FaceError(
                f"{path}: found inputs {_names(self._shapes)} and outputs {_names(outputs)}; "
                f"expected {', '.join(inputs)} and {output}, as the manifest names them"
            )

    def shape(self, name: str) -> tuple[int | None, ...]:
        """An input's shape; None for a side that is left open."""
        return self._shapes[name]

    def expect(self, name: str, shape: tuple[int, ...]) -> None:
        """Raises FaceError when an input cannot take this shape."""
        found = self._shapes[name]
        fits = len(found) == len(shape) and all(
            side is None or side == wanted for side, wanted in zip(found, shape, strict=True)
        )
        if not fits:
            raise FaceError(
                f"{self._path}: the input {name} has the shape {_words(found)}; the manifest's "
                f"numbers make {_words(shape)}"
            )

    def __call__(
        self, feeds: Mapping[str, NDArray[np.generic]], shape: tuple[int | None, ...]
    ) -> F32:
        """The output, of ``shape`` (None: any), float32, finite. Raises FaceError."""
        try:
            (made,) = self._session.run([self._output], dict(feeds))
        except ORT_ERRORS as error:
            detail = " ".join(str(error).split())[:300]
            raise FaceError(f"{self._path}: ONNX Runtime failed: {detail}") from error
        found: NDArray[np.generic] = np.asarray(made)
        sides = zip(found.shape, shape, strict=False)
        fits = found.ndim == len(shape) and all(w is None or side == w for side, w in sides)
        if not fits or found.dtype.kind != "f":
            raise FaceError(
                f"{self._path}: {self._output} gave {found.dtype} {_words(found.shape)}; expected "
                f"floating point {_words(shape)}"
            )
        values: F32 = found.astype(np.float32, copy=False)
        if not np.isfinite(values).all():
            raise FaceError(f"{self._path}: {self._output} gave NaN or infinities")
        return values


def _sides(tensor: ort.NodeArg) -> tuple[int | None, ...]:
    return tuple(side if isinstance(side, int) else None for side in tensor.shape)


def _names(shapes: Mapping[str, tuple[int | None, ...]]) -> str:
    return ", ".join(f"{name} {_words(shape)}" for name, shape in shapes.items()) or "none"


def _words(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if side is None else str(side) for side in shape) or "no sides"
