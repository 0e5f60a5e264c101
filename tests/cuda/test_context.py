"""The one place that speaks to pycuda: what it refuses, how it fails, and that it lets go."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from appliance.cuda.context import Context, GpuError, load_driver
from appliance.errors import MissingDependency
from tests.kernels import driver
from tests.kernels.memory import Memory

ARGUMENTS = {"rows": 1, "columns": 1, "grow": 1}


def test_importing_it_needs_no_pycuda(root: Path) -> None:
    code = (
        "import sys; sys.modules['pycuda'] = None\n"
        "import appliance.pixels.gpu\n"
        "from appliance.cuda.context import load_driver\n"
        "load_driver()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert "MissingDependency" in done.stderr
    assert "pip install pycuda" in done.stderr
    assert "CUDA_ENABLE_CURAND=False" in done.stderr


def test_never_autoinit(root: Path) -> None:
    for path in (root / "appliance").rglob("*.py"):
        assert "import pycuda.autoinit" not in path.read_text(), path


def test_missing_pycuda_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(MissingDependency, match="pip install pycuda"):
        load_driver()


def test_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver.Device, "devices", 0)
    with pytest.raises(MissingDependency, match=r"GPU 0 was asked for.*shows 0.*onnxruntime"):
        Context(driver=driver, image=lambda architecture: b"")


def test_a_driver_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(flags: int = 0) -> None:
        raise driver.Error("cuInit failed: no CUDA-capable device is detected")

    monkeypatch.setattr(driver, "init", init)
    with pytest.raises(MissingDependency, match=r"no CUDA-capable device.*onnxruntime"):
        Context(driver=driver, image=lambda architecture: b"")


def test_kernels_that_cannot_be_had_leave_nothing_behind() -> None:
    driver.log = driver.Log()

    def image(architecture: str) -> bytes:
        raise MissingDependency(f"nothing for {architecture}")

    with pytest.raises(MissingDependency, match="nothing for 87"):
        Context(driver=driver, image=image)
    assert driver.log.depth == 0


def launch(memory: Memory, **arguments: float) -> None:
    buffer = memory.context.alloc(1)
    memory.context.kernels["clean_reach"](
        (1, 1, 1), (1, 1, 1), mask=buffer.address, reach=buffer.address,
        **{**ARGUMENTS, **arguments},
    )  # fmt: skip


def test_arguments_go_by_name(memory: Memory) -> None:
    with pytest.raises(TypeError, match=r"clean_reach has no parameters \['x'\]"):
        launch(memory, x=1)
    with pytest.raises(TypeError, match="clean_reach: argument 'mask' is missing"):
        memory.context.kernels["clean_reach"]((1, 1, 1), (1, 1, 1))


def test_a_cuda_error_is_final_and_says_so(memory: Memory) -> None:
    driver.log.fail_at = "clean_reach"
    with pytest.raises(GpuError, match=r"launching clean_reach.*illegal memory access.*must end"):
        launch(memory)


def test_one_thread_owns_it(memory: Memory) -> None:
    caught: list[BaseException] = []

    def other() -> None:
        try:
            launch(memory)
        except GpuError as error:
            caught.append(error)

    thread = threading.Thread(target=other, name="intruder")
    thread.start()
    thread.join(10)
    assert "thread intruder" in str(caught[0])


def test_closed_is_closed() -> None:
    from tests.kernels.emulated import compiler

    if compiler() is None:
        pytest.skip("no C++ compiler (g++)")
    driver.log = driver.Log()
    context = Context(driver=driver, image=lambda architecture: b"")
    assert driver.log.depth == 1
    context.close()
    context.close()
    assert driver.log.depth == 0
    with pytest.raises(GpuError, match="closed"):
        context.alloc(1)


def test_the_emulation_sees_a_barrier_that_not_all_reach(tmp_path: Path) -> None:
    """The tool that everything here leans on: it must complain when there is cause."""
    import ctypes

    from tests.kernels.emulated import HEADERS, compiler

    if compiler() is None:
        pytest.skip("no C++ compiler (g++)")
    source, library = tmp_path / "k.cpp", tmp_path / "k.so"
    source.write_text(
        '#include "cuda_emulation.h"\n'
        'extern "C" __global__ void torn(int first) {\n'
        "    __shared__ int s;\n"
        "    s = 0;\n"
        "    if ((threadIdx.x == 0) == (first == 1)) __syncthreads();\n"
        "}\n"
        "EMULATE(torn);\n"
    )
    subprocess.run(
        [str(compiler()), "-std=c++17", "-fPIC", "-shared", "-I", str(HEADERS), str(source),
         "-o", str(library)],
        check=True, timeout=120,
    )  # fmt: skip
    emulated = ctypes.CDLL(str(library))
    emulated.emulation_launch.restype = ctypes.c_char_p
    for first, words in ((1, b"some threads"), (0, b"first thread")):
        wrong = emulated.emulation_launch(
            0, ctypes.byref(ctypes.c_int(first)), 1, 1, 1, 4, 1, 1, ctypes.c_ulonglong(0)
        )
        assert words in wrong
