"""From the settings to a network that is ready to run."""

from __future__ import annotations

from pathlib import Path

from appliance.matting.base import Matting
from appliance.matting.manifest import find_manifest, load_manifest
from appliance.settings import Matting as MattingSettings

_SHIPPED = Path(__file__).resolve().parents[2] / "engines"


def model_folders() -> tuple[Path, ...]:
    """Where models are looked for by name."""
    return (_SHIPPED,)


def load_matting(settings: MattingSettings) -> Matting:
    """Load the network that the settings name.

    Raises ModelError when it, or its manifest, cannot be used.
    """
    manifest, model = load_manifest(find_manifest(settings.model, model_folders()))
    from appliance.matting.onnxruntime import OnnxRuntimeMatting

    return OnnxRuntimeMatting(manifest, model, settings.threads)
