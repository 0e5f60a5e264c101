"""A file as ``torch.save`` writes it, and weights of RIFE's shape, without PyTorch."""

from __future__ import annotations

import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from appliance.media.frame import F32

BLOCKS = (7, 12, 12, 12)
SCALES = (8, 4, 2, 1)


class Storage:
    """In place of a storage; pickled by reference."""

    def __init__(self, key: str, size: int) -> None:
        self.key, self.size = key, size


def write_weights(
    path: Path, weights: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, kind: str = "Float",
    short: int = 0,
) -> None:  # fmt: skip
    """Write ``weights``; ``short``: so many values are missing in each storage."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")

    def rebuild(*_: object) -> None:
        raise AssertionError

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    rebuild.__name__ = "_rebuild_tensor_v2"
    sort = type(f"{kind}Storage", (), {"__module__": "torch"})
    setattr(torch, f"{kind}Storage", sort)
    utils._rebuild_tensor_v2 = rebuild  # type: ignore[attr-defined]
    arrays: list[F32] = []

    class Tensor:
        def __init__(self, value: F32) -> None:
            self.value = value

        def __reduce__(self) -> tuple[Any, ...]:
            value = self.value
            arrays.append(value)
            steps = tuple(s // 4 for s in value.strides)
            storage = Storage(str(len(arrays) - 1), value.size)
            return rebuild, (storage, 0, value.shape, steps, False, OrderedDict())

    class Writer(pickle.Pickler):
        def persistent_id(self, obj: object) -> object:
            if isinstance(obj, Storage):
                return ("storage", sort, obj.key, "cpu", obj.size)
            return None

    with monkeypatch.context() as patch, zipfile.ZipFile(path, "w") as out:
        patch.setitem(sys.modules, "torch", torch)
        patch.setitem(sys.modules, "torch._utils", utils)
        tensors = OrderedDict(
            (name, Tensor(value) if isinstance(value, np.ndarray) else value)
            for name, value in weights.items()
        )
        tensors._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
        with out.open("archive/data.pkl", "w") as into:
            Writer(into, protocol=2).dump(tensors)
        for key, value in enumerate(arrays):
            out.writestr(f"archive/data/{key}", value.tobytes()[: value.nbytes - 4 * short])


def tiny_rife(seed: int | None = None) -> dict[str, F32]:
    """Weights of RIFE's names, four channels wide: random, or all 0."""
    rng = np.random.default_rng(seed)
    found: dict[str, F32] = {}

    def add(name: str, *shape: int) -> None:
        value = np.zeros(shape) if seed is None else rng.normal(0, 0.2, shape)
        found[f"module.{name}"] = value.astype(np.float32)

    for index, inputs in enumerate(BLOCKS):
        block = f"block{index}"
        layers = [("conv0.0", 2, inputs), ("conv0.1", 4, 2)]
        layers += [(f"convblock.{number}", 4, 4) for number in range(8)]
        for name, many, few in layers:
            add(f"{block}.{name}.0.weight", many, few, 3, 3)
            add(f"{block}.{name}.0.bias", many)
            add(f"{block}.{name}.1.weight", many)
        add(f"{block}.lastconv.weight", 4, 5, 4, 4)
        add(f"{block}.lastconv.bias", 5)
    return found
