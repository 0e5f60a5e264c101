"""A network takes its place: written beside it, run once, and only then the folders change."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from appliance.errors import ModelError, StorageError
from appliance.networks.between import BetweenNetwork
from appliance.networks.classes import ClassNetwork
from appliance.networks.face import FaceFinder, FacePoints
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.networks.pose import PoseNetwork
from appliance.tools.importers.base import Fields

if TYPE_CHECKING:
    from onnx import ModelProto


def put_in_place(graph: ModelProto, fields: Fields, target: Path, card: str = "") -> None:
    """Write graph, manifest and, where there is one, card into ``target``.

    What is there already stays until the new network has run. Raises ModelError when it does not
    run, StorageError when it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            _write(draft, graph, fields, card)
            _run_once(draft)
            _exchange(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"{target}: cannot be written: {error.strerror or error}; make room, or give the right "
            "to write there, and add the network again"
        ) from error


def _write(draft: Path, graph: ModelProto, fields: Fields, card: str) -> None:
    (draft / "model.onnx").write_bytes(graph.SerializeToString())
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)
    (draft / "manifest.yaml").write_text(text, encoding="utf-8")
    if card:
        (draft / "README.md").write_text(card, encoding="utf-8")


def _run_once(draft: Path) -> None:
    manifest, model = load_manifest(draft / "manifest.yaml", task=None)
    if manifest.task == "classes":
        network = ClassNetwork(manifest, model, threads=1)
        network.infer()
        network.lead([0])
        return
    if manifest.task == "pose":
        PoseNetwork(manifest, model, threads=1).infer()
        return
    if manifest.task == "face":
        FacePoints(manifest, model, threads=1).infer()
        return
    if manifest.task == "find-face":
        FaceFinder(manifest, model, threads=1).infer()
        return
    if manifest.task == "between":
        BetweenNetwork(manifest, model, threads=1)
        return
    matting = OnnxRuntimeMatting(manifest, model, threads=1)
    alpha = matting.infer()
    spec = matting.manifest.input
    if alpha.shape != (spec.height, spec.width):
        raise ModelError(
            f"a first run gave alpha of shape {alpha.shape}, expected {(spec.height, spec.width)}"
        )


def _exchange(draft: Path, target: Path) -> None:
    draft.chmod(0o755)
    if not target.exists():
        draft.replace(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    os.rename(target, old / "was")
    draft.replace(target)
    shutil.rmtree(old, ignore_errors=True)
