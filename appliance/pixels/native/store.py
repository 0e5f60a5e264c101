"""Where kernels' images are kept, and what they are good for: this machine, these sources.

Beside numba's own cache, in a folder that changes with the kernels' sources
(``system/jit_cache.py``). Where the user has set a folder, it stays the same through updates; so a
file's name holds all that its content depends on: the sources, the processor, Python and numba. A
file that is broken, another kernel's, another user's, or cannot be written is as good as none: the
kernel is then compiled, in the worst case at each start.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from appliance.pixels.native import image
from appliance.pixels.native.link import NotLinkable, link
from appliance.system import jit_cache

log = structlog.get_logger(__name__)


def find(name: str, shown: str) -> Callable[..., Any] | None:
    """The kernel of this name, from its file; ``shown``: what it is called in its own errors."""
    path = _path(name)
    if path is None or not image.usable():
        return None
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if os.geteuid() not in (0, about.st_uid) and about.st_uid != 0:
                raise image.BadImage(f"it belongs to user {about.st_uid}, who may write to it")
            return image.load(file.fileno(), about.st_size, path.stem, shown)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, image.BadImage) as error:
        log.warning("a kept kernel cannot be used", file=str(path), reason=str(error))
        return None


def make(
    name: str, function: Callable[..., Any], signature: str, flags: dict[str, Any]
) -> Callable[..., Any] | None:
    """Compile a kernel, keep it, and return it; None if only numba itself can run it."""
    if not image.usable() or platform.machine() != "x86_64":
        return None
    path = _path(name)
    if path is not None and _refused(path).exists():
        return None
    from appliance.pixels.native.entry import ENTRY, SLOTS, NotCompilable, compile_kernel

    try:
        compiled = compile_kernel(function, signature, flags)
        linked = link(compiled.code)
    except (NotCompilable, NotLinkable) as error:
        log.debug("a kernel stays with numba", kernel=name, reason=str(error))
        _note(path, str(error))
        return None
    described = image.Image(
        _identity(name), linked.written, linked.absolute, linked.symbols[ENTRY],
        linked.symbols[SLOTS], compiled.slots,
    )  # fmt: skip
    return _keep(name, function.__name__, image.pack(described, linked.code))


def _keep(name: str, shown: str, content: bytes) -> Callable[..., Any] | None:
    """Write the file, whole or not at all, and load what was written; else, load it from memory."""
    path = _path(name)
    if path is not None:
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                try:
                    file.write(content)
                    file.flush()
                    made = image.load(file.fileno(), len(content), path.stem, shown)
                    os.replace(file.name, path)
                    return made
                except BaseException:
                    os.unlink(file.name)
                    raise
        except (OSError, image.BadImage) as error:
            log.debug("a kernel's file cannot be kept", kernel=name, reason=str(error))
    try:
        with open(os.memfd_create(shown), "wb") as file:
            file.write(content)
            file.flush()
            return image.load(file.fileno(), len(content), _identity(name), shown)
    except (OSError, image.BadImage) as error:
        log.debug("a kernel cannot be loaded", kernel=name, reason=str(error))
    return None


def _refused(path: Path) -> Path:
    """Where it is noted that only numba can run a kernel: finding out means compiling it."""
    return path.with_suffix(".numba")


def _note(path: Path | None, why: str) -> None:
    if path is not None:
        try:
            _refused(path).write_text(why, encoding="utf-8")
        except OSError as error:
            log.debug("that cannot be noted", file=str(path), reason=str(error))


def _path(name: str) -> Path | None:
    folder = os.environ.get(jit_cache.VARIABLE)
    return Path(folder) / f"{_identity(name)}.kernel" if folder else None


def _identity(name: str) -> str:
    return f"{name}-{_depends()}"


@cache
def _depends() -> str:
    """A short hash of what a kernel's machine code depends on."""
    digest = hashlib.sha256(jit_cache.sources_hash().encode())
    digest.update(f"{platform.machine()} {sys.implementation.cache_tag}".encode())
    digest.update(_processor())
    for package in ("numba", "llvmlite"):
        # Read, not imported: that is what takes so long.
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            version = Path(found.origin).with_name("_version.py")
            digest.update(version.read_bytes() if version.is_file() else found.origin.encode())
    return digest.hexdigest()[:16]


def _processor() -> bytes:
    """What /proc/cpuinfo says of the first processor that makes code differ."""
    known = (b"vendor_id", b"cpu family", b"model", b"flags", b"CPU ", b"Features")
    lines = []
    with Path("/proc/cpuinfo").open("rb") as file:
        for line in file:
            if line.startswith(known):
                lines.append(line)
            elif line == b"\n":
                break
    return b"".join(lines)
