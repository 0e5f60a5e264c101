"""``mattebox model add`` and ``list``: a downloaded network becomes one that can be named."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from appliance.errors import InputError, ModelError
from appliance.networks.folders import SHIPPED, data_folder, model_folders
from appliance.networks.manifest import Manifest, load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
from appliance.networks.plans.sidecar import sha256_of
from appliance.tools.engine.graph import (
    graph_inputs,
    graph_outputs,
    read_graph,
    set_input_shapes,
    simplify,
)
from appliance.tools.importers import (
    any_onnx,
    mediapipe,
    modnet,
    pp_humanseg,
    robust_video_matting,
    u2net,
)
from appliance.tools.importers.base import Fields, Importer, Options, Release, describe

if TYPE_CHECKING:
    from onnx import ModelProto

IMPORTERS: tuple[Importer, ...] = (
    robust_video_matting.IMPORTER,
    u2net.IMPORTER,
    mediapipe.IMPORTER,
    pp_humanseg.IMPORTER,
    modnet.IMPORTER,
    any_onnx.IMPORTER,
)
"""The most particular first: the first that fits a graph takes it."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command line asked for; ``kind`` "auto" lets the graph decide."""

    name: str
    file: Path
    kind: str = "auto"
    size: str | None = None
    downsample: float | None = None
    replace: bool = False


def add_model(wish: ImportOptions) -> list[str]:
    """Check, convert and put a network in its place; returns what is to be said, line by line.

    Raises InputError or ModelError for a file that cannot be used. What is in place stays as it
    was until the new network has run once.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", wish.name):
        raise InputError(f"name {wish.name!r}: expected lower-case letters, digits, '_', '.', '-'")
    if (SHIPPED / wish.name).is_dir():
        raise InputError(f"{wish.name} is shipped with Mattebox; choose another name")
    target = data_folder() / wish.name
    if target.exists() and not wish.replace:
        raise InputError(f"{target} is there already; choose another name, or say --replace")
    if wish.file.suffix.lower() in {".tflite", ".pth", ".pt", ".ckpt", ".pb"}:
        raise InputError(f"{wish.file}: found a {wish.file.suffix} file; convert it to ONNX first")
    # First: a broken download is told as one, and not by what is then wrong with its graph.
    release = _release(wish.file) if wish.file.is_file() else None
    graph = read_graph(wish.file)
    importer = _importer(wish.kind, graph)
    options = Options(_size(wish.size), wish.downsample)
    fields: Fields = {"title": importer.title, "licence": importer.licence}
    try:
        fields |= importer.manifest(graph, options)
        manifest = Manifest.model_validate({"name": wish.name, **fields})
        shapes = {s.input: s.shape for s in manifest.state}
        set_input_shapes(graph, {manifest.input.name: manifest.input.shape, **shapes})
        graph = simplify(graph)
    except ModelError as error:
        raise ModelError(f"{wish.file}: as {importer.kind}: {error}") from error
    _install(graph, {"name": wish.name, **fields}, target)
    size = f"{manifest.input.width}x{manifest.input.height}"
    known = (
        f"known release: {release.title} (size and SHA-256 as stated by {release.origin})"
        if release
        else "unknown release: size and hash could not be checked, shapes and a first run were"
    )
    return [
        f"{wish.name}: {fields['title']}, input {size}, in {target}",
        known,
        f"licence: {importer.licence or 'not known: it is yours to find out'}",
        f"run it: mattebox run --model {wish.name}",
    ]


def _importer(kind: str, graph: ModelProto) -> Importer:
    inputs, outputs = graph_inputs(graph), graph_outputs(graph)
    if kind != "auto":
        found = next((i for i in IMPORTERS if i.kind == kind), None)
        if found is None:
            kinds = ", ".join(i.kind for i in IMPORTERS)
            raise InputError(f"--as {kind}: expected one of {kinds}, or auto")
        return found
    for importer in IMPORTERS:
        if importer.fits(inputs, outputs):
            return importer
    raise ModelError(
        f"no importer fits a graph with inputs {describe(inputs)} and outputs {describe(outputs)}; "
        "write a manifest.yaml beside it (docs/networks.md)"
    )


def _release(path: Path) -> Release | None:
    """The release that a file is; None for a file of no name that is known.

    Raises InputError for one that has a release's name and not its size or hash.
    """
    size, digest = path.stat().st_size, sha256_of(path)
    releases = [release for importer in IMPORTERS for release in importer.releases]
    for release in releases:
        if release.matches(size, digest):
            return release
    for release in releases:
        if path.name == release.file:
            expected = f"{release.size:,} bytes, " if release.size else ""
            raise InputError(
                f"{path}: {size:,} bytes, SHA-256 {digest[:12]}…; expected of {release.title} "
                f"{expected}{release.sha256[:12]}… (by {release.origin}); fetch it anew, or rename "
                "it if it is meant to be another"
            )
    return None


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{2,4})x([0-9]{2,4})", text)
    if not found:
        raise InputError(f"--size {text}: expected WIDTHxHEIGHT, such as 512x288")
    return int(found[1]), int(found[2])


def _install(graph: ModelProto, fields: Fields, target: Path) -> None:
    """Write into a folder beside, run it once, and only then swap folders."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        (draft / "model.onnx").write_bytes(graph.SerializeToString())
        text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)
        (draft / "manifest.yaml").write_text(text, encoding="utf-8")
        matting = OnnxRuntimeMatting(*load_manifest(draft / "manifest.yaml"), threads=1)
        alpha = matting.infer()
        spec = matting.manifest.input
        if alpha.shape != (spec.height, spec.width):
            raise ModelError(
                f"a first run gave alpha of shape {alpha.shape}, expected "
                f"{(spec.height, spec.width)}"
            )
        draft.chmod(0o755)
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
            os.rename(target, old / "was")
            draft.replace(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            draft.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def list_models() -> int:
    """Print the networks there are: name, size, licence, folder."""
    for folder in model_folders():
        for path in sorted(folder.glob("*/manifest.yaml")):
            try:
                manifest, _ = load_manifest(path)
            except ModelError as error:
                print(f"{path.parent.name:<18} cannot be used: {error}")
                continue
            size = f"{manifest.input.width}x{manifest.input.height}"
            licence = (manifest.licence or "not stated").partition(" (")[0]
            print(f"{path.parent.name:<18} {size:<10} {licence:<14} {manifest.title}")
    return 0
