"""This folder's other tests and the GPU's in tests/stages, under AddressSanitizer and UBSan.

In a separate process, since the sanitisers must be loaded before Python itself. Fewer cases would
do for the arithmetic; for out-of-bounds accesses every size, pitch and offset matters.

Minutes, so with the long tests: ``make soak``, or ``make test ARGS="-m soak tests/pixels/gpu"``
after a change of a kernel.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.emulated import SANITISE, compiler

pytestmark = pytest.mark.soak

# All but tests that say nothing about memory or are slow: source, builds, pictures, this file.
_OTHERS = (
    *(f"tests/pixels/gpu/test_{name}.py" for name in (
        "crop", "components", "steady_and_guided", "tiles", "composite", "pictures",
    )),
    "tests/stages/matte/test_gpu.py", "tests/stages/network/test_gpu.py",
)  # fmt: skip


# Of the optional stages: minutes, with the sanitisers.
_STAGES = tuple(
    f"tests/pixels/gpu/test_{name}.py" for name in (
        "affine", "between", "join", "layer", "light", "look", "mattes", "plate", "shadow",
    )
)  # fmt: skip


# Left out: other inputs to the same memory accesses.
_LESS = (
    "not (a_clip and no) and not bad_matte and not fades_out and not reset_forgets"
    " and not (any_order and (2 or 3))"
)


def run(code: list[str], root: Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    found = []
    for name in ("libasan.so", "libubsan.so"):
        answer = subprocess.run(
            [str(compiler()), f"-print-file-name={name}"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        path = answer.stdout.strip()
        if not os.path.isabs(path):
            pytest.skip(f"{compiler()} has no {name}")
        found.append(path)
    environment = {
        **os.environ,
        SANITISE: "1",
        "LD_PRELOAD": ":".join(found),
        # Python itself leaks by design; a report must end the run at once.
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    return subprocess.run(
        [sys.executable, *code], cwd=root, env=environment, capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.skipif(compiler() is None, reason="no C++ compiler (g++)")
@pytest.mark.skipif(SANITISE in os.environ, reason="this is that run")
def test_no_access_out_of_bounds_and_nothing_undefined(root: Path) -> None:
    # The first test has the kernels compiled, which takes a minute on a busy machine.
    patient = ["-q", "-x", "-p", "no:cacheprovider", "-o", "timeout=240"]
    done = run(["-m", "pytest", *patient, "-k", _LESS, *_OTHERS], root)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 300


@pytest.mark.timeout(1800)
@pytest.mark.skipif(compiler() is None, reason="no C++ compiler (g++)")
@pytest.mark.skipif(SANITISE in os.environ, reason="this is that run")
def test_nor_in_the_stages(root: Path) -> None:
    patient = ["-q", "-x", "-p", "no:cacheprovider", "-o", "timeout=900"]
    done = run(["-m", "pytest", *patient, *_STAGES], root, timeout=1700)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


_BEYOND = """
import numpy as np
from appliance.cuda.context import Context
from tests.kernels import driver
context = Context(driver=driver, image=lambda architecture: b"")
y, uv = context.alloc(8 * 8 {short}), context.alloc(8 * 4)
out, matrix = context.alloc(4 * 64), context.upload(np.zeros(12, np.float32))
context.kernels["nv12_to_bgrx"](
    (1, 1, 1), (32, 4, 1), y=y.address, y_pitch=8, uv=uv.address, uv_pitch=8, width=8, height=8,
    matrix=matrix.address, out=out.address, out_pitch=32)
print("done")
"""


@pytest.mark.timeout(300)
@pytest.mark.skipif(compiler() is None, reason="no C++ compiler (g++)")
@pytest.mark.skipif(SANITISE in os.environ, reason="a fault on purpose")
def test_one_byte_too_short_is_seen(root: Path) -> None:
    """The sanitiser is really active: in the kernels, on memory from the driver."""
    fine = run(["-c", _BEYOND.format(short="")], root)
    assert fine.stdout == "done\n", fine.stderr[-3000:]
    short = run(["-c", _BEYOND.format(short="- 1")], root)
    assert short.returncode != 0
    assert "heap-buffer-overflow" in short.stderr
    assert "nv12_to_bgrx" in short.stderr
