"""The heap, as reported by the C library itself."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from appliance.system import malloc

pytestmark = pytest.mark.skipif(
    getattr(ctypes.CDLL(None), "mallopt", None) is None, reason="the C library is not glibc"
)

_MANY_THREADS = """
import ctypes, sys, threading
from appliance.system import malloc
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
if sys.argv[2] == "bound":
    assert malloc.bound()
together = threading.Barrier(12)
def allocate():
    together.wait(10)
    libc.free(libc.malloc(100_000))
    together.wait(10)
threads = [threading.Thread(target=allocate) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join(10) for thread in threads]
file = libc.fopen(sys.argv[1].encode(), b"w")
assert libc.malloc_info(0, file) == 0
libc.fclose(file)
"""


@pytest.mark.parametrize(("how", "most"), [("bound", 2), ("free", 99)])
def test_threads_share_two_arenas(tmp_path: object, how: str, most: int) -> None:
    path = f"{tmp_path}/arenas.xml"
    subprocess.run([sys.executable, "-c", _MANY_THREADS, path, how], check=True, timeout=60)
    with open(path) as file:
        arenas = file.read().count("<heap nr=")
    assert arenas <= most
    if how == "free":
        assert arenas > 2  # otherwise the other case proves nothing


def test_what_is_free_can_be_given_back() -> None:
    assert malloc.give_back() in (True, False)


_LARGE_BLOCKS = """
import ctypes
from appliance.system import malloc
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks",
                "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]
libc.mallinfo2.restype = Info
def mapped():
    before = libc.mallinfo2().hblks
    block = libc.malloc(1_500_000)
    more = libc.mallinfo2().hblks - before
    libc.free(block)
    return more
malloc.bound()
# glibc by itself would map the first alone: from then on such blocks come from the heap.
starting = [mapped() for _ in range(3)]
malloc.settle()
print(starting, [mapped() for _ in range(3)])
"""


@pytest.mark.skipif(
    getattr(ctypes.CDLL(None), "mallinfo2", None) is None, reason="glibc before 2.33"
)
def test_large_blocks_have_pages_of_their_own_while_starting_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LARGE_BLOCKS],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.strip() == "[1, 1, 1] [0, 0, 0]"
