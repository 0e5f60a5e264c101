"""``mattebox model add`` and ``list``: makes a downloaded network available by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import InputError, ModelError
from appliance.networks.folders import SHIPPED, data_folder, model_folders
from appliance.networks.manifest import Manifest, load_manifest
from appliance.networks.plans.sidecar import sha256_of
from appliance.networks.tasks import PLACES
from appliance.tools.engine.graph import (
    graph_inputs,
    graph_outputs,
    read_graph,
    set_input_shapes,
    simplify,
)
from appliance.tools.importers import (
    any_onnx,
    blazeface,
    blazepose,
    deeplab,
    face_mesh,
    mediapipe,
    modnet,
    pp_humanseg,
    robust_video_matting,
    u2net,
)
from appliance.tools.importers.base import Fields, Importer, Options, Release, describe
from appliance.tools.importers.place import put_in_place
from appliance.tools.importers.tflite.convert import convert

if TYPE_CHECKING:
    from onnx import ModelProto

IMPORTERS: tuple[Importer, ...] = (
    robust_video_matting.IMPORTER,
    u2net.IMPORTER,
    mediapipe.IMPORTER,
    blazepose.IMPORTER,
    face_mesh.IMPORTER,
    blazeface.IMPORTER,
    pp_humanseg.IMPORTER,
    modnet.IMPORTER,
    deeplab.IMPORTER,
    any_onnx.IMPORTER,
)
"""The most specific first: the first that fits a graph takes it."""


_AVATAR = "use it: mattebox avatar make FOLDER (which finds the avatar's face and mouths)"
_USES = {
    "pose": "use it: mattebox run --source 'puppet://still.png?drive=clip.mp4' (as the network "
    "named pose)",
    "face": _AVATAR,
    "find-face": _AVATAR,
}
"""What to do with a network of a task that no setting names."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command line asked for; ``kind`` "auto" lets the graph decide.

    ``notes`` go into the manifest as they are, ``card`` beside it as README.md.
    """

    name: str
    file: Path | None
    kind: str = "auto"
    size: str | None = None
    downsample: float | None = None
    replace: bool = False
    notes: Fields = field(default_factory=dict)
    card: str = ""


def add_model(wish: ImportOptions) -> list[str]:
    """Check, convert and install a network; returns the lines to print.

    Raises InputError or ModelError for a file that cannot be used, StorageError where there is no
    room for it. What is in place stays as it was until the new network has run once.
    """
    target = free_place(wish)
    file = wish.file
    if file is None:
        raise InputError(
            f"{wish.name}: --from is missing: name the file that you have downloaded; only selfie, "
            "deeplab, deeplab-small, pose, face and rife are fetched by themselves"
        )
    if file.suffix.lower() in {".pth", ".pt", ".ckpt", ".pb"}:
        raise InputError(f"{file}: found a {file.suffix} file; convert it to ONNX first")
    if file.suffix.lower() == ".whl":
        raise InputError(
            f"{file}: a wheel is taken by mattebox model add selfie, pose or face only"
        )
    # First, so that a broken download is reported as such, not by faults in its graph.
    release = known_release(file) if file.is_file() else None
    graph = convert(file) if file.suffix.lower() == ".tflite" else read_graph(file)
    importer = _importer(wish.kind, graph)
    options = Options(size_of(wish.size), wish.downsample)
    fields: Fields = {"title": importer.title, "licence": importer.licence}
    try:
        fields |= importer.manifest(graph, options)
        manifest = Manifest.model_validate({"name": wish.name, **fields})
        shapes = {s.input: s.shape for s in manifest.state}
        set_input_shapes(graph, {manifest.input.name: manifest.input.shape, **shapes})
        graph = simplify(graph)
    except ModelError as error:
        raise ModelError(f"{file}: as {importer.kind}: {error}") from error
    put_in_place(graph, {"name": wish.name, **fields, **wish.notes}, target, wish.card)
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
        _use(manifest),
    ]


def _use(manifest: Manifest) -> str:
    """What to do with it now."""
    place = PLACES.get(manifest.task)
    if manifest.task == "alpha":
        return f"run it: mattebox run --model {manifest.name}"
    if manifest.task in _USES:
        return _USES[manifest.task]
    return f"name it in {place}" if place else "no setting takes it yet"


def free_place(wish: ImportOptions) -> Path:
    """The folder that the network is to have; it need not be there.

    Raises InputError for a name that is none, or is taken.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", wish.name):
        raise InputError(f"name {wish.name!r}: expected lower-case letters, digits, '_', '.', '-'")
    if (SHIPPED / wish.name).is_dir():
        raise InputError(f"{wish.name} is shipped with Mattebox; choose another name")
    target = data_folder() / wish.name
    if target.exists() and not wish.replace:
        raise InputError(f"{target} is there already; choose another name, or say --replace")
    return target


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


def known_release(path: Path) -> Release | None:
    """The release that a file is; None for a file with no known name.

    Raises InputError for one with a release's name but not its size or hash.
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


def size_of(text: str | None) -> tuple[int, int] | None:
    """Width and height of ``--size``; None for none. Raises InputError for what is no size."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{2,4})x([0-9]{2,4})", text)
    if not found:
        raise InputError(f"--size {text}: expected WIDTHxHEIGHT, such as 512x288")
    return int(found[1]), int(found[2])


def list_models() -> int:
    """Print the available networks: name, size, licence, title."""
    for folder in model_folders():
        for path in sorted(folder.glob("*/manifest.yaml")):
            try:
                manifest, _ = load_manifest(path, task=None)
            except ModelError as error:
                print(f"{path.parent.name:<18} cannot be used: {error}")
                continue
            size = f"{manifest.input.width}x{manifest.input.height}"
            licence = (manifest.licence or "not stated").partition(" (")[0]
            print(f"{path.parent.name:<18} {size:<10} {licence:<14} {manifest.title}")
    return 0
