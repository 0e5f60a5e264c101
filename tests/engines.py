"""Fixtures of the engines' tests: a real builder, a network with a plan, a place for data."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.networks.manifest import Manifest, load_manifest
from appliance.networks.plans.sidecar import Gate, Sidecar, TensorSpec, sha256_of, write_sidecar

SHIPPED = Path(__file__).resolve().parents[1] / "engines" / "portrait"

GATE = Gate(
    frames=2, source="a test", runner="a test", mean=0, worst_frame=0, worst_pixel=0, limit=0.01,
    finite=True,
)  # fmt: skip


@pytest.fixture
def data_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that are added, and plans, go below the test's own folder."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def builder() -> str:
    """A TensorRT whose builder runs here, by name."""
    if importlib.util.find_spec("tensorrt_rtx") is None:
        pytest.skip("tensorrt_rtx is not installed (make test installs it on x86-64 Linux)")
    return "tensorrt_rtx"


@pytest.fixture
def portrait(tmp_path: Path) -> tuple[Manifest, Path]:
    """A copy of the shipped network, with room for plans beside it."""
    folder = tmp_path / "portrait"
    folder.mkdir()
    for name in ("model.onnx", "manifest.yaml"):
        shutil.copy(SHIPPED / name, folder / name)
    return load_manifest(folder / "manifest.yaml")


PlanWriter = Callable[..., Path]


@pytest.fixture
def write_plan() -> PlanWriter:
    """A maker of plans with sidecars: ``write_plan(manifest, model, data=b"…", **changes)``."""

    def write(manifest: Manifest, model: Path, data: bytes = b"plan", /, **changes: object) -> Path:
        folder = model.parent / "plans"
        folder.mkdir(exist_ok=True)
        (folder / "some.plan").write_bytes(data)
        inputs = [(manifest.input.name, manifest.input.shape)]
        inputs += [(s.input, s.shape) for s in manifest.state]
        outputs = [(manifest.output.name, (1, 1, manifest.input.height, manifest.input.width))]
        outputs += [(s.output, s.shape) for s in manifest.state]
        fields: dict[str, object] = {
            "model": manifest.name, "onnx_sha256": sha256_of(model), "flavour": "tensorrt",
            "version": "10.3.0", "target": "sm87", "platform": "linux-aarch64",
            "precision": "fp16", "built": "2026-01-01T00:00:00+00:00", "build_seconds": 1,
            "inputs": tuple(TensorSpec(name=n, shape=s, dtype="float") for n, s in inputs),
            "outputs": tuple(TensorSpec(name=n, shape=s, dtype="float") for n, s in outputs),
            "gate": GATE, "plan": "some.plan", "plan_sha256": sha256_of(folder / "some.plan"),
            "plan_bytes": len(data),
        }  # fmt: skip
        path = folder / "some.json"
        write_sidecar(Sidecar.model_validate(fields | changes), path)
        return path

    return write
