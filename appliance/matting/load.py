"""From the settings to a network that is ready to run."""

from __future__ import annotations

from appliance.matting.base import Matting
from appliance.matting.folders import model_folders
from appliance.matting.manifest import find_manifest, load_manifest
from appliance.settings import Matting as MattingSettings


def load_matting(settings: MattingSettings) -> Matting:
    """Load the network that the settings name.

    Raises ModelError when it, or its manifest, cannot be used.
    """
    manifest, model = load_manifest(find_manifest(settings.model, model_folders()))
    from appliance.matting.onnxruntime import OnnxRuntimeMatting

    return OnnxRuntimeMatting(manifest, model, settings.threads)
