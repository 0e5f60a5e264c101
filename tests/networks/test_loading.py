"""A network that is loaded in a thread: there in the end, or not, and never cut off half way."""

from __future__ import annotations

import subprocess
import sys

import pytest

from appliance.errors import ModelError
from appliance.networks.loading import Loading

ENDS = """
import threading
from appliance.networks.loading import Loading

def load():
    threading.main_thread().join()
    for _ in range(2_000_000):
        pass
    print("loaded", flush=True)

Loading(load, "late")
"""


def test_loaded_or_not() -> None:
    loading = Loading(lambda: 7, "seven")
    loading.wait(20)
    assert loading.get() == 7

    def fail() -> int:
        raise OSError("no such thing")

    failing = Loading(fail, "nothing")
    failing.wait(20)
    with pytest.raises(ModelError, match="no such thing"):
        failing.get()


def test_a_program_that_ends_lets_it_finish() -> None:
    """Cut off within ONNX Runtime it would abort the process."""
    done = subprocess.run(
        [sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("loaded\n", "", 0)
