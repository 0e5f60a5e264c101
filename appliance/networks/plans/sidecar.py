"""The sidecar of a plan: what it was built from, by what, for what, and how well it fared."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from appliance.errors import PlanError
from appliance.networks.manifest import StrictModel
from appliance.system.small_file import read_small

_MOST_BYTES = 1_000_000

Sha256 = Field(pattern=r"^[0-9a-f]{64}$")


class TensorSpec(StrictModel):
    """An input or output of the engine."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class Gate(StrictModel):
    """How far the engine's precision is from FP32, as differences in alpha, 0 to 1."""

    frames: int = Field(ge=0)
    source: str
    runner: str
    mean: float = Field(ge=0)
    worst_frame: float = Field(ge=0)
    worst_pixel: float = Field(ge=0)
    limit: float = Field(gt=0)
    finite: bool

    @property
    def passed(self) -> bool:
        """No NaN or infinity, real frames seen, and no frame's mean difference over the limit."""
        return self.finite and self.frames > 0 and self.worst_frame <= self.limit

    @property
    def words(self) -> str:
        """The figures in one line."""
        numbers = (
            f"mean {self.mean * 255:.4f}/255, worst frame {self.worst_frame * 255:.4f}/255 "
            f"(limit {self.limit * 255:g}/255), worst pixel {self.worst_pixel:.4f}"
        )
        finite = "no NaN" if self.finite else "NaN OR INFINITY"
        return f"{numbers}, {finite}; {self.frames} frames of {self.source}, by {self.runner}"


class Sidecar(StrictModel):
    """All about one plan. ``plan`` is a file name within the sidecar's own folder.

    ``gate`` was measured on the engine's graph in ONNX Runtime; ``gpu_gate`` on the engine itself,
    if it was built on the GPU that it is for.
    """

    format: Literal[1] = 1
    model: str
    onnx_sha256: str = Sha256
    flavour: Literal["tensorrt", "tensorrt_rtx"]
    version: str
    target: str = Field(pattern=r"^sm[0-9]{2,3}$")
    platform: str
    precision: Literal["fp16", "fp32", "int8"]
    fp32_layers: tuple[str, ...] = ()
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    built: str
    build_seconds: float = Field(ge=0)
    gate: Gate
    gpu_gate: Gate | None = None
    plan: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.plan$")
    plan_sha256: str = Sha256
    plan_bytes: int = Field(gt=0)

    @property
    def failed_gate(self) -> Gate | None:
        """The first gate that the plan failed; None if it passed every gate it was put through."""
        gates = (self.gate, self.gpu_gate)
        return next((gate for gate in gates if gate is not None and not gate.passed), None)

    @property
    def key(self) -> str:
        """What tells the plans of one model apart."""
        return plan_key(self.flavour, self.version, self.target, self.precision)


def plan_key(flavour: str, version: str, target: str, precision: str) -> str:
    """The stem of a sidecar's file name."""
    return f"{flavour}-{version}-{target}-{precision}"


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar. Raises PlanError when it cannot be read or is not valid."""
    try:
        return Sidecar.model_validate_json(read_small(path, _MOST_BYTES))
    except OSError as error:
        raise PlanError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:200] or "the file"
        raise PlanError(
            f"{path}: {where}: {first['msg']}; not a sidecar that this version wrote: build anew "
            "with mattebox engine build"
        ) from error


def write_sidecar(sidecar: Sidecar, path: Path) -> None:
    """Write a sidecar atomically: a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(sidecar.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
