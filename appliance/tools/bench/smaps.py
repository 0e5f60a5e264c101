"""Who holds this process's memory, by what its pages are of (``/proc/self/smaps``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# The first that occurs in a mapping's path says whose it is.
_HOLDERS = (
    ("numba, LLVM", ("llvmlite", "/numba/")),
    ("kernels", (".kernel",)),
    ("ONNX Runtime", ("onnxruntime",)),
    ("OpenCV", ("/cv2/", "opencv", "openblas")),
    ("NumPy, SciPy", ("/numpy", "/scipy")),
    (
        "GStreamer",
        ("gstreamer", "libgst", "libgobject", "libglib", "libgio", "girepository", "/gi/"),
    ),
    ("Python", ("python",)),
    ("heap and stacks", ("[",)),
)
_ANONYMOUS, _OTHER = "heap and stacks", "other libraries and files"


@dataclass(slots=True)
class HeldMemory:
    """Resident memory, MiB.

    Attributes:
        rss: all of it. private: what nobody else has and no file gives back (dirty pages).
        files: pages of files, which processes share and which can be read again.
    """

    rss: float = 0.0
    private: float = 0.0

    @property
    def files(self) -> float:
        """The rest."""
        return self.rss - self.private


def by_holder(lines: Iterable[str] | None = None) -> dict[str, HeldMemory]:
    """Resident memory by holder, largest first; ``lines``: of ``smaps``, by default our own."""
    if lines is None:
        lines = Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace").splitlines()
    found: dict[str, HeldMemory] = {}
    held = HeldMemory()
    for line in lines:
        first, _, rest = line.partition(" ")
        if not first.endswith(":"):
            fields = rest.split(maxsplit=4)
            held = found.setdefault(_holder(fields[4] if len(fields) > 4 else ""), HeldMemory())
        elif first == "Rss:":
            held.rss += int(rest.split()[0]) / 1024
        elif first == "Private_Dirty:":
            held.private += int(rest.split()[0]) / 1024
    return dict(sorted(found.items(), key=lambda one: -one[1].rss))


def total() -> HeldMemory:
    """Resident memory of the whole process."""
    held = by_holder(
        Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    ).values()
    return HeldMemory(sum(one.rss for one in held), sum(one.private for one in held))


def _holder(path: str) -> str:
    if not path:
        return _ANONYMOUS
    for name, parts in _HOLDERS:
        if any(part in path for part in parts):
            return name
    return _OTHER
