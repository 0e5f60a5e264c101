"""A network on the CPU, at every size that its manifest names."""

from __future__ import annotations

from pathlib import Path

import structlog

from appliance.errors import ModelError
from appliance.networks.base import Matting
from appliance.networks.beside import UPRIGHT_MISSING, smaller_of, upright_of
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting

_log = structlog.get_logger("matting")


def load_sizes(path: Path, threads: int = 0) -> Matting:
    """The network of the manifest at ``path``, with its smaller one and the upright ones of both.

    A size that cannot be used is logged and left out: the network itself does its work, if less
    well. Raises ModelError when the network itself cannot be loaded.
    """
    matting = with_upright(path, threads)
    try:
        smaller = smaller_of(path)
        if smaller is not None:
            matting.smaller = with_upright(smaller, threads)
    except ModelError as error:
        # It is only needed under load, and the network itself is sound.
        _log.warning("the network has no smaller input for when it has to", why=str(error))
    return matting


def with_upright(path: Path, threads: int = 0) -> Matting:
    """The network of the manifest at ``path``, with its upright one; see ``load_sizes``."""
    matting = OnnxRuntimeMatting(*load_manifest(path), threads)
    try:
        upright = upright_of(path)
        if upright is not None:
            matting.upright = OnnxRuntimeMatting(*load_manifest(upright), threads)
    except ModelError as error:
        _log.warning(UPRIGHT_MISSING, network=matting.manifest.name, why=str(error))
    return matting
