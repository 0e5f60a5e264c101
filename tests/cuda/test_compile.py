"""The kernel source, its signatures, and compiling it: nvcc for every architecture, and NVRTC."""

from __future__ import annotations

import os
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.cuda import compile, nvrtc, source
from appliance.errors import MissingDependency
from tests.kernels.emulated import compiler, emulation

NVCC = compile.find_nvcc()
needs_nvcc = pytest.mark.skipif(not NVCC, reason="no nvcc here (the CUDA toolkit, 12 or 13)")


def test_signatures_are_what_the_compiler_sees() -> None:
    """Our signatures are read by a regular expression; here C++ itself has the last word."""
    if compiler() is None:
        pytest.skip("no C++ compiler (g++)")
    read = {n: "".join(p.code for p in ps) for n, ps in source.signatures().items()}
    assert read == emulation().formats
    assert len(read) > 30
    assert source.source().count("__global__ void") == len(read)


def test_the_source_stands_alone() -> None:
    text = source.source()
    assert re.findall(r"#include .*", text) == ["#include <cuda_fp16.h>"]
    assert "#pragma once" not in text


def test_every_kernel_says_what_it_must_move() -> None:
    """At the kernel, or at the top of its file where kernels share the work."""
    for path in sorted((source.FOLDER / "kernels").glob("*.cuh")):
        text = path.read_text()
        if "__global__" in text:
            assert "ust move" in text, path


def symbols(cubin: bytes) -> set[str]:
    """Names of the functions in a 64-bit ELF, without the compiler's own (with a $)."""
    at, size, count = struct.unpack_from("<Q", cubin, 40)[0], *struct.unpack_from("<HH", cubin, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", cubin, at + i * size) for i in range(count)]
    found = set()
    for kind, offset, length, link in ((s[1], s[4], s[5], s[6]) for s in sections):
        if kind != 2:
            continue
        strings = sections[link][4]
        for entry in range(offset, offset + length, 24):
            name, info = struct.unpack_from("<IB", cubin, entry)
            if info & 15 == 2:
                start = strings + name
                found.add(cubin[start : cubin.index(b"\0", start)].decode())
    return {name for name in found if "$" not in name}


# The oldest that every toolkit has, Orin's and Hopper's.
_EACH_TIME = ("75", "87", "90")


@needs_nvcc
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "wanted",
    [_EACH_TIME, pytest.param(compile.ARCHITECTURES, marks=pytest.mark.soak)],
    ids=["each time", "all"],
)
def test_compiles_for_every_architecture(wanted: tuple[str, ...]) -> None:
    """Cached: only the first run after a change compiles."""
    known = compile.supported(NVCC)
    # Old toolkits lack the newest, and CUDA 13 has dropped the oldest; most must be there.
    assert set(_EACH_TIME) <= set(known)
    wanted = tuple(a for a in wanted if a in known)
    with ThreadPoolExecutor(2) as pool:
        cubins = dict(zip(wanted, pool.map(compile.image, wanted), strict=True))
    for architecture, cubin in cubins.items():
        assert cubin[:4] == b"\x7fELF", architecture
        assert struct.unpack_from("<H", cubin, 18)[0] == 190, "EM_CUDA"
        assert symbols(cubin) == set(source.signatures()), architecture


@needs_nvcc
def test_what_is_kept_is_not_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = compile.image("90")
    calls = []

    def compile_kernels(architecture: str) -> bytes:
        calls.append(architecture)
        return made

    monkeypatch.setattr(compile, "compile_kernels", compile_kernels)
    assert compile.image("90", tmp_path) == made
    assert compile.image("90", tmp_path) == made
    (kept,) = tmp_path.iterdir()
    assert kept.name == f"kernels-{source.source_hash()}-sm90.cubin"
    kept.write_bytes(b"half a file")
    assert compile.image("90", tmp_path) == made
    assert calls == ["90", "90"]


def test_nothing_to_compile_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile, "find_nvcc", list)
    monkeypatch.setattr(nvrtc, "find", lambda: None)
    with pytest.raises(MissingDependency, match=r"pip install nvidia-cuda-nvrtc.*copy the cache"):
        compile.image("87", tmp_path)


def test_a_compiler_that_refuses(tmp_path: Path) -> None:
    fake = tmp_path / "nvcc"
    fake.write_text("#!/bin/sh\necho 'kernels.cu(7): error: no such thing' >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(compile.KernelBuildError, match=r"sm_87: kernels.cu\(7\): error"):
        compile.compile_kernels("87", [str(fake)])
    with pytest.raises(compile.KernelBuildError, match="nvcc did not run"):
        compile.compile_kernels("87", [str(tmp_path / "nothing")])


def test_nvrtc() -> None:
    """Without nvcc: the runtime compiler of the wheel or toolkit makes the same kernels."""
    library = nvrtc.find()
    if library is None or not nvrtc.headers(library):
        pytest.skip("no NVRTC here (pip install nvidia-cuda-nvrtc nvidia-cuda-runtime)")
    cubin = compile.compile_kernels("87", ())
    assert symbols(cubin) == set(source.signatures())
    with pytest.raises(nvrtc.NvrtcError, match="nothing_like_it"):
        nvrtc.compile(library, "void f() { nothing_like_it(); }", ["--gpu-architecture=sm_87"])


def test_a_folder_that_cannot_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        folder = Path("/proc/nothing")
    else:
        folder = Path("/nothing")
    monkeypatch.setattr(compile, "compile_kernels", lambda architecture: b"made")
    assert compile.image("87", folder) == b"made"
