"""CUDA graphs: the driver's calls in their order, against a stand-in for libcuda."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from appliance.cuda.context import GpuError
from appliance.cuda.graph import Graph
from tests.kernels.memory import Memory


class Library:
    """The calls by name; ``fail`` names one that gives error 900."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fail = ""

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            self.calls.append(name)
            if name in ("cuStreamEndCapture", "cuGraphInstantiateWithFlags"):
                target = arguments[1 if name == "cuStreamEndCapture" else 0]
                target._obj.value = 7
            if name == "cuGetErrorName":
                arguments[1]._obj.value = b"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
            return 900 if name == self.fail else 0

        return call


def test_recorded_once_and_replayed(memory: Memory) -> None:
    library = Library()
    graph = Graph(memory.context, library=library)
    assert isinstance(graph._stream, ctypes.c_void_p)
    with pytest.raises(GpuError, match="before anything was recorded"):
        graph.launch()
    with graph:
        assert library.calls == ["cuStreamBeginCapture_v2"]
    graph.launch()
    graph.launch()
    graph.close()
    graph.close()
    assert library.calls == [
        "cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags",
        "cuGraphLaunch", "cuGraphLaunch", "cuGraphExecDestroy", "cuGraphDestroy",
    ]  # fmt: skip


def test_an_error_while_recording_ends_the_capture(memory: Memory) -> None:
    library = Library()
    with pytest.raises(KeyError), Graph(memory.context, library=library):
        raise KeyError
    assert library.calls == ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphDestroy"]


def test_a_refusal_is_told(memory: Memory) -> None:
    library = Library()
    library.fail = "cuStreamBeginCapture_v2"
    with pytest.raises(GpuError, match=r"cuStreamBeginCapture_v2: .*UNSUPPORTED \(900\)"):
        Graph(memory.context, library=library).__enter__()
