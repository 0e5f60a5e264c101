"""appliance/pixels/kernels.cu, compiled by the host compiler against emulation/, and loaded."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from appliance.cuda import source as cuda_source

HEADERS = Path(__file__).resolve().parent / "emulation"
_ROOT = HEADERS.parent.parent.parent
_FLAGS = ("-std=c++17", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas",
          "-ffp-contract=off", "-U_FORTIFY_SOURCE")  # fmt: skip
_PLAIN = ("-O2",)
_SANITISED = ("-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
              "-fno-omit-frame-pointer")  # fmt: skip
SANITISE = "EMULATION_SANITISE"
"""Set by the test that reruns the others under AddressSanitizer and UBSan."""


def compiler() -> str | None:
    """The C++ compiler, if there is one."""
    return shutil.which(os.environ.get("CXX", "g++"))


def build(*, sanitised: bool) -> Path:
    """The emulated kernels as a shared library, cached by the hash of all that goes into it."""
    names = cuda_source.signatures()
    text = '#include "cuda_emulation.h"\n' + cuda_source.source()
    text += "".join(f"EMULATE({name});\n" for name in names)
    flags = (*_FLAGS, *(_SANITISED if sanitised else _PLAIN))
    digest = hashlib.sha256(repr((text, flags, compiler())).encode())
    for header in sorted(HEADERS.glob("*.h")):
        digest.update(header.read_bytes())
    folder = _ROOT / ".cache" / "kernels"
    if not os.access(_ROOT, os.W_OK):
        folder = Path(tempfile.gettempdir()) / f"mattebox-kernels-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    library = folder / f"emulated-{digest.hexdigest()[:16]}.so"
    # One compiles, which takes ten seconds; the other workers of a run wait for what it makes.
    with (folder / "lock").open("w") as lock, tempfile.TemporaryDirectory(dir=folder) as name:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if library.exists():
            return library
        source, made = Path(name, "kernels.cpp"), Path(name, "kernels.so")
        source.write_text(text)
        command = [str(compiler()), *flags, "-I", str(HEADERS), str(source), "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr[:4000]
        os.replace(made, library)
    return library


class Emulation:
    """The kernels by name: their argument formats, and a launch that runs them at once."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        for name in ("emulation_name", "emulation_format", "emulation_launch"):
            getattr(self._library, name).restype = ctypes.c_char_p
        self.formats: dict[str, str] = {}
        self._indices: dict[str, int] = {}
        for i in range(self._library.emulation_count()):
            name = self._library.emulation_name(i).decode()
            self.formats[name] = self._library.emulation_format(i).decode()
            self._indices[name] = i

    def launch(
        self, name: str, arguments: bytes, grid: tuple[int, ...], block: tuple[int, ...], seed: int
    ) -> None:
        """Run a kernel; ``arguments`` as for the driver. ``seed`` 0 is the natural order."""
        sizes = [ctypes.c_uint(n) for n in (*grid, *block)]
        wrong = self._library.emulation_launch(
            self._indices[name], arguments, *sizes, ctypes.c_ulonglong(seed)
        )
        if wrong:
            raise AssertionError(f"{name} {grid} x {block}: {wrong.decode()}")


@cache
def emulation() -> Emulation:
    """The emulation that this test run uses."""
    return Emulation(build(sanitised=bool(os.environ.get(SANITISE))))
