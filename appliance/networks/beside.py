"""The same network at other sizes: the folders beside its own that its manifest names."""

from __future__ import annotations

from pathlib import Path

import structlog

from appliance.errors import ModelError
from appliance.networks.manifest import Manifest, load_manifest

_log = structlog.get_logger("matting")

UPRIGHT_MISSING = "the network has no upright input; its usual one serves upright people, too"
"""What the log says where one is named and cannot be used."""


def smaller_of(path: Path) -> Path | None:
    """The manifest of the smaller one that the manifest at ``path`` names; None if it names none.

    Raises ModelError when either manifest cannot be used.
    """
    manifest, _ = load_manifest(path)
    return _beside(path, manifest.smaller) if manifest.smaller else None


def upright_of(path: Path) -> Path | None:
    """The manifest of the upright one that the manifest at ``path`` names; None if it names none.

    Raises ModelError when either manifest cannot be used, or they are not of the same network.
    """
    manifest, _ = load_manifest(path)
    if not manifest.upright:
        return None
    found = _beside(path, manifest.upright)
    _check_upright(found, load_manifest(found)[0], manifest)
    return found


def engines_of(path: Path) -> tuple[Path, ...]:
    """The manifests of what a GPU runs for the network at ``path``: its own, and the upright one.

    One that cannot be used is logged and left out. Raises ModelError when ``path`` itself cannot.
    """
    load_manifest(path)
    try:
        upright = upright_of(path)
    except ModelError as error:
        _log.warning(UPRIGHT_MISSING, why=str(error))
        return (path,)
    return (path,) if upright is None else (path, upright)


def _beside(path: Path, name: str) -> Path:
    return path.resolve().parent.parent / name / "manifest.yaml"


def _check_upright(path: Path, upright: Manifest, like: Manifest) -> None:
    ours, theirs = upright.input, like.input
    if ours.width * theirs.height >= theirs.width * ours.height:
        raise ModelError(
            f"{path}: input: {ours.width}x{ours.height} is no narrower than {like.name}'s "
            f"{theirs.width}x{theirs.height}; an upright one must be"
        )
    for key in ("order", "mean", "scale"):
        if getattr(ours, key) != getattr(theirs, key):
            raise ModelError(
                f"{path}: input.{key}: found {getattr(ours, key)}, expected {like.name}'s "
                f"{getattr(theirs, key)}, as it is the same network"
            )
