"""The kernels, compiled ahead and kept, so that a device needs no nvcc while it runs.

A cubin is kept under the hash of the source and the architecture (``87`` is compute capability
8.7). It comes from, in this order: the cache; the folder of cubins shipped beside the kernels;
nvcc, where there is one; NVRTC from the wheels ``nvidia-cuda-nvrtc`` and ``nvidia-cuda-runtime``
(its headers), or the toolkit's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import structlog

from appliance.cuda import nvrtc, source
from appliance.errors import MatteboxError, MissingDependency
from appliance.system import folders

ARCHITECTURES = ("75", "87", "89", "90", "110", "120")
"""Turing, Orin, Ada, Hopper, Thor, RTX Blackwell: what CUDA 13 compiles for and we test."""
FLAGS = ("-std=c++17", "-lineinfo")
_NVCC_TIMEOUT_S = 300
log = structlog.get_logger(__name__)
_SHIPPED = source.FOLDER / "cubins"


class KernelBuildError(MatteboxError, RuntimeError):
    """The kernels did not compile."""


def image(architecture: str, folder: Path | None = None) -> bytes:
    """The kernels compiled for an architecture; compiled now where they are not kept yet.

    Raises:
        MissingDependency: not kept, and neither nvcc nor NVRTC is there.
        KernelBuildError: the compiler refused.
    """
    name = f"kernels-{source.source_hash()}-sm{architecture}.cubin"
    for kept in (*([folder] if folder else _caches()), _SHIPPED):
        try:
            found: bytes = (kept / name).read_bytes()
        except OSError:
            continue
        # Never half a file: it is put in place whole. Anything but an ELF is not ours.
        if found[:4] == b"\x7fELF":
            return found
    log.info("compiling the GPU's kernels, this once", compute_capability=architecture)
    made = compile_kernels(architecture)
    for kept in [folder] if folder else _caches():
        if _keep(kept / name, made):
            break
    return made


def compile_kernels(architecture: str, nvcc: Sequence[str] | None = None) -> bytes:
    """The cubin for one architecture, by nvcc where it is there, else by NVRTC.

    ``nvcc`` is the command to use; default: the one in PATH or CUDA_HOME, () for NVRTC.
    """
    command = find_nvcc() if nvcc is None else list(nvcc)
    if command:
        return _by_nvcc(architecture, command)
    library = nvrtc.find()
    if library is None:
        raise MissingDependency(
            f"no compiled kernels for compute capability {architecture} in the cache, and nothing "
            "to compile them with: pip install nvidia-cuda-nvrtc nvidia-cuda-runtime, or install "
            "the CUDA toolkit; or "
            "compile them elsewhere (python -m appliance.cuda.compile) and copy the cache"
        )
    flags = ["--std=c++17", "--generate-line-info", f"--gpu-architecture=sm_{architecture}"]
    try:
        return nvrtc.compile(library, source.source(), flags)
    except nvrtc.NvrtcError as error:
        raise KernelBuildError(
            f"NVRTC refused the kernels for sm_{architecture}: {error}"
        ) from error


def find_nvcc() -> list[str]:
    """The nvcc command: $CUDA_HOME/bin/nvcc, PATH, or /usr/local/cuda; empty: there is none."""
    home = os.environ.get("CUDA_HOME", "")
    for candidate in (os.path.join(home, "bin", "nvcc") if home else "", "nvcc"):
        found = shutil.which(candidate) if candidate else None
        if found:
            return [found]
    usual = "/usr/local/cuda/bin/nvcc"
    return [usual] if os.access(usual, os.X_OK) else []


def supported(nvcc: Sequence[str]) -> frozenset[str]:
    """The architectures that an nvcc compiles for, as ``75``."""
    done = subprocess.run(
        [*nvcc, "--list-gpu-code"], capture_output=True, text=True, timeout=60, check=False
    )
    return frozenset(line[3:] for line in done.stdout.split() if line.startswith("sm_"))


def _by_nvcc(architecture: str, nvcc: Sequence[str]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="mattebox-nvcc-") as name:
        folder = Path(name)
        (folder / "kernels.cu").write_text(source.source())
        command = [
            *nvcc, "-cubin", f"-arch=sm_{architecture}", *FLAGS, "-o", str(folder / "out.cubin"),
            str(folder / "kernels.cu"),
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_NVCC_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KernelBuildError(f"nvcc did not run: {error}") from error
        if done.returncode != 0:
            raise KernelBuildError(
                f"nvcc refused the kernels for sm_{architecture}: {done.stderr.strip()[-2000:]}"
            )
        return (folder / "out.cubin").read_bytes()


def _caches() -> Iterator[Path]:
    """Folders where cubins are kept, best first."""
    return folders.caches("kernels")


def _keep(path: Path, content: bytes) -> bool:
    """Write a file whole or not at all; False where the folder cannot be written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as temporary:
            temporary.write(content)
        os.replace(temporary.name, path)
    except OSError:
        return False
    return True


def main(say: Callable[[str], None] = print) -> int:
    """Compile for every architecture that the compiler here knows, into the cache."""
    nvcc = find_nvcc()
    known = supported(nvcc) if nvcc else frozenset(ARCHITECTURES)
    for architecture in ARCHITECTURES:
        if architecture not in known:
            say(f"sm_{architecture}: unknown to this nvcc, left out")
            continue
        say(f"sm_{architecture}: {len(image(architecture))} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
