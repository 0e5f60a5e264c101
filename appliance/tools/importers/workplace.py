"""A temporary folder to fetch and convert in, which goes afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.errors import StorageError


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """A temporary folder that goes afterwards. Raises StorageError when there is no room for it."""
    try:
        folder = tempfile.mkdtemp(prefix=f"mattebox-{name}-")
    except OSError as error:
        raise StorageError(
            f"no temporary folder can be made: {error.strerror or error}; make room, or point "
            "TMPDIR elsewhere"
        ) from error
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
