"""Kernels as files of machine code: they say what numba's would, and numba is not there."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from appliance.pixels.cpu.jit import CpuKernel, Inline
from appliance.pixels.native import entry, store
from appliance.system import jit_cache

_TRIED = ".".join(version("numba").split(".")[:2]) in entry.TRIED
pytestmark = [
    pytest.mark.skipif(
        os.uname().machine != "x86_64", reason="kernels are kept so on x86-64 alone"
    ),
    pytest.mark.skipif(not _TRIED, reason=f"of numba {', '.join(entry.TRIED)} alone"),
]

_SIGNATURE = "UniTuple(float64, 4)(uint8[:, :], float32[::1], int64, float32, boolean)"


def _weighed(a: Any, out: Any, start: int, by: float, on: bool) -> Any:
    sums = np.zeros(a.shape[1], np.float32)
    most = -1.0
    for j in range(start, a.shape[0]):
        for i in range(a.shape[1]):
            sums[i] += np.float32(a[j, i]) * by
    for i in range(a.shape[1]):
        out[i] = sums[i] if on else np.float32(0)
        most = max(most, float(out[i]))
    return most, float(start), float(by), float(a.strides[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture
def made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The kernel, compiled for the first test alone."""
    monkeypatch.setenv(jit_cache.VARIABLE, str(folder))
    found = store.find("weighed", "_weighed")
    found = found or store.make("weighed", _weighed, _SIGNATURE, {"nogil": True})
    assert found is not None
    return found


def picture() -> tuple[Any, Any]:
    # Every second column of a larger one: any pitch, and strides that are no pixels' width.
    large = np.random.default_rng(1).integers(0, 256, (9, 14), np.uint8)
    return large[:, ::2], np.zeros(7, np.float32)


def test_it_gives_what_its_source_does(made: Callable[..., Any]) -> None:
    a, out = picture()
    assert type(made).__name__ == "builtin_function_or_method"
    got = made(a, out, np.int64(2), np.float32(0.5), np.bool_(True))
    want = a[2:].sum(0, dtype=np.float32) * np.float32(0.5)
    assert np.array_equal(out, want)
    assert got == (float(want.max()), 2.0, 0.5, 14.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a, out: (a.astype(np.int8), out, 0, 1.0, True), "argument 1: expected array(uint8"),
        (lambda a, out: (a[0], out, 0, 1.0, True), "argument 1: expected array(uint8, 2d"),
        (lambda a, out: (a, out[::2], 0, 1.0, True), "argument 2: expected array(float32, 1d, C)"),
        (lambda a, out: (a, out.astype(">f4"), 0, 1.0, True), "argument 2: expected"),
        (lambda a, out: (a, [0.0], 0, 1.0, True), "argument 2: expected"),
        (lambda a, out: (a, out, 0.5, 1.0, True), "argument 3: expected int64"),
        (lambda a, out: (a, out, 0, "1", True), "argument 4: expected float32"),
        (lambda a, out: (a, out, 0, 1.0), "expected 5 arguments"),
    ],
)
def test_what_does_not_fit_is_refused(
    made: Callable[..., Any], change: Callable[..., Any], said: str
) -> None:
    with pytest.raises(TypeError, match="_weighed: ") as caught:
        made(*change(*picture()))
    assert said in str(caught.value)


def test_what_may_not_be_written_is_not(made: Callable[..., Any]) -> None:
    a, out = picture()
    out.flags.writeable = False
    with pytest.raises(TypeError, match="writeable"):
        made(a, out, 0, 1.0, True)


def test_a_broken_file_is_as_good_as_none(
    folder: Path, made: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept,) = folder.glob("weighed-*.kernel")
    content = bytearray(kept.read_bytes())
    monkeypatch.setenv(jit_cache.VARIABLE, str(tmp_path))
    for broken in (content[:100], content[:-4096], content[:-1] + b"\1", b"", b"x" * len(content)):
        (tmp_path / kept.name).write_bytes(broken)
        assert store.find("weighed", "_weighed") is None
    (tmp_path / kept.name).write_bytes(content)
    assert store.find("weighed", "_weighed") is not None


def test_a_file_copied_over_another_kernels_is_not_taken_for_it(
    folder: Path, made: Callable[..., Any]
) -> None:
    (kept,) = folder.glob("weighed-*.kernel")
    other = folder / f"{store._identity('other')}.kernel"
    other.write_bytes(kept.read_bytes())
    assert store.find("other", "_other") is None
    other.unlink()


def test_kernels_of_other_sources_are_not_found_where_the_folder_stays(
    made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store._depends.cache_clear()
    monkeypatch.setattr(jit_cache, "sources_hash", lambda: "what an update brings")
    try:
        assert store.find("weighed", "_weighed") is None
    finally:
        store._depends.cache_clear()


def test_what_another_user_may_write_to_is_not_run(
    made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    found = store.find("weighed", "_weighed")
    # Root's files are everybody's.
    assert (found is None) == (mine != 0)
    monkeypatch.setattr(os, "fstat", lambda _: SimpleNamespace(st_uid=mine + 2, st_size=1))
    with capture_logs() as logs:
        assert store.find("weighed", "_weighed") is None
    assert "belongs to user" in logs[0]["reason"]


def test_a_file_cut_short_while_its_kernel_runs_does_no_harm(
    folder: Path, made: Callable[..., Any], tmp_path: Path
) -> None:
    """Nor does one on a file system mounted with noexec: no page of the file is executed."""
    (kept,) = folder.glob("weighed-*.kernel")
    (tmp_path / kept.name).write_bytes(kept.read_bytes())
    code = (
        "import os, sys, numpy as np\n"
        "from appliance.pixels.native import store\n"
        "run = store.find('weighed', '_weighed')\n"
        "os.truncate(sys.argv[1], 0)\n"
        "run(np.ones((4, 3), np.uint8), np.zeros(3, np.float32), 1, 2.0, True)\n"
        "print(sys.argv[1] in open('/proc/self/maps').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / kept.name)], capture_output=True, text=True,
        timeout=50, check=True, env={**os.environ, jit_cache.VARIABLE: str(tmp_path)},
    )  # fmt: skip
    assert done.stdout == "False\n"


def test_another_processor_has_kernels_of_its_own(
    made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store._depends.cache_clear()
    monkeypatch.setattr(store, "_processor", lambda: b"flags: none of those\n")
    try:
        assert store.find("weighed", "_weighed") is None
    finally:
        store._depends.cache_clear()


def test_where_nothing_can_be_written_it_runs_all_the_same(
    made: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept,) = folder.glob("weighed-*.kernel")
    monkeypatch.setenv(jit_cache.VARIABLE, "/proc/nothing")
    run = store._keep("weighed", "_weighed", kept.read_bytes())
    assert run is not None
    a, out = picture()
    assert run(a, out, 0, 1.0, True) == made(a, out, 0, 1.0, True)


def test_a_process_that_loads_one_has_no_numba(folder: Path, made: Callable[..., Any]) -> None:
    code = (
        "import json, sys, numpy as np\n"
        "from appliance.pixels.native import image, store\n"
        "run = store.find('weighed', '_weighed')\n"
        "got = run(np.ones((4, 3), np.uint8), np.zeros(3, np.float32), 1, 2.0, True)\n"
        "print(json.dumps([got, [m for m in ('numba', 'llvmlite', 'scipy') if m in sys.modules]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True,
        env={**os.environ, jit_cache.VARIABLE: str(folder)},
    )  # fmt: skip
    assert json.loads(done.stdout) == [[6.0, 1.0, 2.0, 3.0], []]


def _twice(value: Any) -> Any:
    return value + value


twice = Inline(_twice)


def _filled(a: Any, by: float) -> None:
    for i in range(a.shape[0]):
        a[i] = twice(by)


filled = CpuKernel(_filled, "void(float32[::1], float32)")


def _both(a: Any, b: Any) -> None:
    filled(a, np.float32(1))
    filled(b, np.float32(2))


both = CpuKernel(_both, "void(float32[::1], float32[::1])")


def test_a_kernel_may_call_another_and_what_is_inline(made: object) -> None:
    a, b = np.zeros(3, np.float32), np.zeros(5, np.float32)
    both(a, b)
    assert a.tolist() == [2.0] * 3
    assert b.tolist() == [4.0] * 5
    assert type(both._run).__name__ == "builtin_function_or_method"


def _bent(a: Any, by: float) -> float:
    for i in range(a.shape[0]):
        a[i] = math.exp(a[i]) ** np.float32(by)
    return math.atan2(math.log10(by), 2.0) + by**0.3


bent = CpuKernel(_bent, "float64(float32[::1], float64)")


def test_mathematics_come_from_the_systems_library(made: object) -> None:
    a = np.linspace(-2, 2, 9, dtype=np.float32)
    want = np.exp(a) ** np.float32(1.5)
    assert bent(a, 1.5) == pytest.approx(math.atan2(math.log10(1.5), 2.0) + 1.5**0.3, rel=1e-12)
    assert np.allclose(a, want, rtol=1e-6)
    assert type(bent._run).__name__ == "builtin_function_or_method"


def _first_two(a: Any) -> Any:
    return a[0], a[1]


@pytest.mark.parametrize("kind", ["int8", "uint8", "uint32", "int64", "uint64"])
def test_whole_numbers_come_back_with_their_sign(made: object, kind: str) -> None:
    ends = np.iinfo(kind)
    one = CpuKernel(_first_two, f"UniTuple({kind}, 2)({kind}[::1])")
    one.name = f"first_two_{kind}"
    assert one(np.array([ends.min, ends.max], kind)) == (ends.min, ends.max)
    assert type(one._run).__name__ == "builtin_function_or_method"


def _with_a_list(a: Any) -> int:
    kept = [float(one) for one in a]
    kept.append(1.0)
    return len(kept)


def test_what_only_numba_can_run_it_runs_and_that_is_noted_once(
    folder: Path, made: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = CpuKernel(_with_a_list, "int64(float32[::1])")
    assert one(np.zeros(4, np.float32)) == 5
    assert [path.stem.rpartition("-")[0] for path in folder.glob("*.numba")] == [one.name]
    compiled: list[object] = []
    monkeypatch.setattr("appliance.pixels.native.entry.compile_kernel", compiled.append)
    assert store.make(one.name, _with_a_list, one.signature, {}) is None
    assert compiled == []


def _doubled(a: Any) -> None:
    for i in range(a.shape[0]):
        a[i] *= np.float32(2)


def test_another_version_of_numba_runs_its_kernels_itself(
    folder: Path, made: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.pixels.native.entry.numba.__version__", "0.60.0")
    one, given = CpuKernel(_doubled, "void(float32[::1])"), np.ones(3, np.float32)
    one(given)
    assert given.tolist() == [2, 2, 2]
    (note,) = (path for path in folder.glob("*.numba") if one.name in path.name)
    assert "numba 0.60.0 was not tried" in note.read_text()


def test_a_full_disk_stops_no_kernel_that_numba_runs(
    made: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numba.core.caching.Cache.save_overload", full)
    # Kept for no test before.
    one = CpuKernel(_with_a_list, "int64(float64[::1])")
    assert one.dispatcher(np.zeros(4)) == 5
