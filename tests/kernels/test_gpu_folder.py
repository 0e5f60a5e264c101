"""What waits for a GPU in ``tests/gpu`` runs here on the emulated one, so that it will work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.emulated import compiler


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler (g++)")
def test_the_trace_and_the_graphs_run_emulated(root: Path, tmp_path: Path) -> None:
    """The rest runs with ``tests/gpu/run --emulated``."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "tests/gpu/test_pipeline.py", "-k", "steady_frame or graphs"],
        cwd=root, env={**os.environ, "GPU_TESTS": "emulated", "OUT": str(tmp_path)},
        capture_output=True, text=True, timeout=55, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert "2 passed" in done.stdout
    said = (tmp_path / "pipeline.txt").read_text()
    assert "20 frames, 0 allocations, 20 waits" in said
