"""Weights out of a file of PyTorch's, without PyTorch, and without running anything that is in it.

Such a file is a ZIP archive of a pickle and raw storages. The pickle may name three things only:
an ordered dictionary, a storage of float32, and how a tensor is made of one.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from appliance.errors import InputError
from appliance.media.frame import F32

_MOST_BYTES = 1 << 30
_MOST_PICKLE = 1 << 24


def read_weights(path: Path) -> dict[str, F32]:
    """The tensors of a file that ``torch.save`` made of a ``state_dict``, by name.

    Raises InputError for a file that is none, or holds anything but float32 tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (
        zipfile.BadZipFile, zlib.error, pickle.UnpicklingError, EOFError, RuntimeError, ValueError,
        KeyError, IndexError, TypeError, AttributeError, NotImplementedError, OverflowError,
    ) as error:  # fmt: skip
        detail = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: not a file of PyTorch weights that can be read: {detail}; fetch it anew"
        ) from error


def _read(archive: zipfile.ZipFile) -> dict[str, F32]:
    if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
        raise ValueError(f"it unpacks to more than {_MOST_BYTES >> 20} MiB")
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise ValueError(f"found {len(names)} data.pkl in it, expected one")
    if archive.getinfo(names[0]).file_size > _MOST_PICKLE:
        raise ValueError(f"its data.pkl has more than {_MOST_PICKLE >> 20} MiB")
    folder = names[0].removesuffix("data.pkl")
    found = _Weights(archive, f"{folder}data/", io.BytesIO(archive.read(names[0]))).load()
    if not isinstance(found, dict):
        raise ValueError(f"found {type(found).__name__}, expected tensors by name")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            raise ValueError(f"found {name!r:.50}: {type(value).__name__}, expected a tensor")
    return dict(found)


class _Named(dict[str, F32]):
    """In place of an OrderedDict; whatever attributes it had are let go."""

    def __setstate__(self, state: object) -> None:
        pass


def _tensor(
    storage: F32, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> F32:
    count = math.prod(shape)
    dense = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    if strides != dense or offset < 0 or min(shape, default=1) < 1:
        raise ValueError(f"a tensor of shape {shape} with strides {strides}, expected a dense one")
    if offset + count > storage.size:
        raise ValueError(f"a tensor of shape {shape} in a storage of {storage.size}")
    return storage[offset : offset + count].reshape(shape)


class _Weights(pickle.Unpickler):
    _allowed = {  # noqa: RUF012 - never changed
        ("collections", "OrderedDict"): _Named,
        ("torch", "FloatStorage"): "float32",
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    }

    def __init__(self, archive: zipfile.ZipFile, folder: str, data: io.BytesIO) -> None:
        super().__init__(data)
        self._archive, self._folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        """Only what is allowed; raises UnpicklingError for anything else."""
        try:
            return self._allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which no file of float32 weights needs"
            ) from None

    def persistent_load(self, pid: Any) -> F32:
        """A storage: ("storage", its kind, its key, the device that it was on, its length)."""
        what, kind, key, _, count = pid
        if what != "storage" or kind != "float32" or not str(key).isalnum():
            raise pickle.UnpicklingError("it holds something else than storages of float32")
        values = np.frombuffer(self._archive.read(f"{self._folder}{key}"), "<f4")
        if values.size != count:
            raise ValueError(f"storage {key} has {values.size} values, expected {count}")
        return np.asarray(values, np.float32)
