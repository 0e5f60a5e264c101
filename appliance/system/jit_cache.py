"""Where the compiled CPU kernels are kept, so that only the first start pays for compiling.

To tell whether a cached kernel is stale, numba looks at the function's own file, not at helpers it
calls in other files. So each version of the kernels' sources gets a folder of its own.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from appliance.system import folders

VARIABLE = "NUMBA_CACHE_DIR"
_FOR_THIS_RUN = "mattebox-numba-"


def use() -> Path | None:
    """Point numba at a writable folder; must run before numba is imported.

    A folder that the user has set is kept. Returns the folder, or None when none is writable:
    numba then looks for a place itself. Never raises.
    """
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    for folder in _candidates():
        if _writable(folder):
            os.environ[VARIABLE] = str(folder)
            return folder
    try:
        # A read-only system: compile at each start, into a folder nobody else can write to.
        folder = Path(tempfile.mkdtemp(prefix=_FOR_THIS_RUN))
    except OSError:
        return None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[VARIABLE] = str(folder)
    return folder


def is_kept() -> bool:
    """Whether what is compiled now will be there at the next start."""
    folder = os.environ.get(VARIABLE)
    return bool(folder) and not Path(str(folder)).name.startswith(_FOR_THIS_RUN)


def _candidates() -> Iterator[Path]:
    state = sources_hash()
    return (folder / state for folder in folders.caches("numba"))


def sources_hash() -> str:
    """A short hash of the sources that hold kernels."""
    digest = hashlib.sha256()
    for path in sorted((folders.PACKAGE / "pixels").rglob("*.py")):
        digest.update(path.name.encode())
        try:
            digest.update(path.read_bytes())
        except OSError:
            digest.update(b"?")
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder.stat().st_uid == os.geteuid() or os.geteuid() == 0
    except OSError:
        return False
