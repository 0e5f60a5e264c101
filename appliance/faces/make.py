"""The face driver of the settings, for an avatar."""

from __future__ import annotations

from pathlib import Path

import structlog

from appliance.avatars.avatar import Avatar
from appliance.config.settings.face import FaceSettings
from appliance.errors import FaceError
from appliance.faces.base import FaceDriver
from appliance.faces.mouth_bank import MouthBank
from appliance.faces.onnx_driver import OnnxFace

log = structlog.get_logger(__name__)


def make_face(settings: FaceSettings, avatar: Avatar) -> FaceDriver | None:
    """The driver, not yet prepared; None where there is to be none.

    ``auto`` takes the mouth bank where the avatar has one, else none. Raises FaceError for one
    that was asked for by name and cannot be had, with what to do.
    """
    if settings.driver == "none":
        return None
    if settings.driver == "auto":
        if avatar.manifest.mouths and avatar.manifest.faces:
            return MouthBank()
        log.info("the avatar has no mouths: it speaks with its face as it is", avatar=avatar.name)
        return None
    if settings.driver == "mouths":
        if not avatar.manifest.mouths:
            raise FaceError(
                f"face.driver: mouths, and {avatar.name} has none; make it again from footage of "
                "somebody speaking: mattebox avatar make (docs/faces.md)"
            )
        return MouthBank()
    return OnnxFace(Path(settings.driver))
