"""NVRTC through ctypes: NVIDIA's run-time compiler, from its wheel or the toolkit.

The C interface is the same in CUDA 11 to 13; a cubin needs no driver and no GPU to be made.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
from collections.abc import Sequence
from pathlib import Path


class NvrtcError(RuntimeError):
    """NVRTC refused; the message has its log."""


def find() -> Path | None:
    """libnvrtc: of the wheels (nvidia/cu13/lib, nvidia/cuda_nvrtc/lib), else the system's."""
    spec = importlib.util.find_spec("nvidia")
    for package in spec.submodule_search_locations or () if spec else ():
        for pattern in ("cu*/lib/libnvrtc.so.*", "cuda_nvrtc/lib/libnvrtc.so.*"):
            for path in sorted(Path(package).glob(pattern), reverse=True):
                if "builtins" not in path.name and "alt" not in path.name:
                    return path
    for folder in ("/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib"):
        for path in sorted(Path(folder).glob("libnvrtc.so*"), reverse=True):
            if "builtins" not in path.name:
                return path
    name = ctypes.util.find_library("nvrtc")
    return Path(name) if name else None


def headers(library: Path) -> list[Path]:
    """Folders with the cuda_fp16.h that belongs to a libnvrtc; wheels keep it elsewhere."""
    around = (
        library.parent.parent / "include",
        library.parent.parent.parent / "cuda_runtime" / "include",
        library.parent.parent.parent.parent / "include",
        Path("/usr/local/cuda/include"),
    )
    return [folder for folder in around if (folder / "cuda_fp16.h").is_file()]


def compile(library: Path, source: str, options: Sequence[str]) -> bytes:
    """The cubin of a source.

    Raises:
        NvrtcError: it does not compile, or the library cannot be used.
    """
    try:
        # NVRTC looks for its other half by name only, where a wheel's folder is not searched.
        for half in sorted(library.parent.glob("libnvrtc-builtins.so.*")):
            ctypes.CDLL(str(half), mode=ctypes.RTLD_GLOBAL)
        nvrtc = ctypes.CDLL(str(library))
    except OSError as error:
        raise NvrtcError(f"{library} cannot be loaded: {error}") from error
    nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
    program = ctypes.c_void_p()

    def call(name: str, *arguments: object) -> None:
        status = getattr(nvrtc, name)(*arguments)
        if status:
            reason = (nvrtc.nvrtcGetErrorString(status) or b"").decode()
            raise NvrtcError(f"{name}: {reason}\n{_log(nvrtc, program)}".strip())

    call("nvrtcCreateProgram", ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None)
    try:
        folders = [f"--include-path={folder}" for folder in headers(library)]
        words = [word.encode() for word in (*options, *folders)]
        call("nvrtcCompileProgram", program, len(words), (ctypes.c_char_p * len(words))(*words))
        size = ctypes.c_size_t()
        call("nvrtcGetCUBINSize", program, ctypes.byref(size))
        out = ctypes.create_string_buffer(size.value)
        call("nvrtcGetCUBIN", program, out)
        return out.raw
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _log(nvrtc: ctypes.CDLL, program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    if (
        not program.value
        or nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        or not size.value
    ):
        return ""
    out = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, out)
    return out.value.decode(errors="replace")[:2000]
