"""A stand-in for TensorRT's runtime: its classes and signatures, the work done by ONNX Runtime.

A "plan" is an ONNX file's bytes. Device memory is the host's, as in ``tests/kernels/driver.py``,
so that addresses can be followed. ``test_fake_signatures`` holds it against the real bindings.
"""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from tests.kernels import driver

__version__ = "10.3.0"


class _Ordered:
    def __init__(self, rank: int) -> None:
        self.rank = rank

    def __le__(self, other: _Ordered) -> bool:
        return self.rank <= other.rank


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = (_Ordered(i) for i in range(5))

    def __init__(self) -> None:
        pass

    def log(self, severity: _Ordered, msg: str) -> None:
        raise NotImplementedError


class DataType:
    FLOAT, HALF = "DataType.FLOAT", "DataType.HALF"


float32 = DataType.FLOAT


class TensorIOMode:
    NONE, INPUT, OUTPUT = range(3)


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        self.logger = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        try:
            return ICudaEngine(onnx.load_from_string(serialized_engine), self.logger)
        except Exception:  # noqa: BLE001 - the real one logs, and returns nothing
            self.logger.log(ILogger.ERROR, "Serialization assertion magicTag failed.")
            return None


class ICudaEngine:
    def __init__(self, model: onnx.ModelProto, logger: ILogger) -> None:
        self._model, self._logger = model, logger
        self._inputs = {i.name: i for i in model.graph.input}
        self._all = {**self._inputs, **{o.name: o for o in model.graph.output}}

    @property
    def num_io_tensors(self) -> int:
        return len(self._all)

    def get_tensor_name(self, index: int) -> str:
        return list(self._all)[index]

    def get_tensor_mode(self, name: str) -> int:
        return TensorIOMode.INPUT if name in self._inputs else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> str:
        half = self._all[name].type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
        return DataType.HALF if half else DataType.FLOAT

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(d.dim_value for d in self._all[name].type.tensor_type.shape.dim)

    def create_execution_context(self) -> IExecutionContext:
        return IExecutionContext(self, self._model, self._logger)


class IExecutionContext:
    def __init__(self, engine: ICudaEngine, model: onnx.ModelProto, logger: ILogger) -> None:
        self._engine, self._logger = engine, logger
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._addresses: dict[str, int] = {}
        self.refuses = False

    def set_tensor_address(self, name: str, memory: int) -> bool:
        assert isinstance(memory, int)
        self._addresses[name] = memory
        return name in self._engine._all

    def execute_async_v3(self, stream_handle: int) -> bool:
        assert isinstance(stream_handle, int)
        if self.refuses:
            self._logger.log(ILogger.ERROR, "Error Code 3: API Usage Error")
            return False
        # The real one fails when any address is missing; a graph keeps those of its recording.
        arrays = {name: self._array(name) for name in self._engine._all}
        names = [n for n in self._engine._all if n not in self._engine._inputs]

        def work() -> None:
            feeds = {n: arrays[n].copy() for n in self._engine._inputs}
            for name, value in zip(names, self._session.run(names, feeds), strict=True):
                arrays[name][:] = value

        driver.submit(work, driver.streams[stream_handle])
        return True

    def _array(self, name: str) -> np.ndarray:
        shape = self._engine.get_tensor_shape(name)
        pointer = ctypes.cast(self._addresses[name], ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(pointer, shape)


def module() -> Any:
    """This module's names, as ``import tensorrt`` would give them."""
    return SimpleNamespace(**globals())
