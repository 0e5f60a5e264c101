"""What a session runs with: the box's settings, with its own source, background and addresses."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from appliance.config.settings import (
    BackgroundSettings,
    CanvasSettings,
    OutputSettings,
    Settings,
    SoundSettings,
    SourceSettings,
    StagesSettings,
)
from appliance.config.uris import scheme_of
from appliance.outputs import encoders

# Nobody mistakes one of these for another when it is read aloud: about 49 bits with ten of them.
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_LENGTH = 10
PATH = "/live"
"""Below which sessions have their RTSP streams."""
# As many sessions as cores do not get in each other's way; one thread encodes 1080p60.
_THREADS = 1


def new_id() -> str:
    """A new random id: ten small letters and digits, fit for an address."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def settings_of(box: Settings, source: SourceSettings, background: BackgroundSettings) -> Settings:
    """The settings of a session.

    Of the box's optional stages only looks apply: the others are about a camera's picture. The
    size is the avatar's own.
    """
    stages = StagesSettings(style=box.stages.style, harmonise=box.stages.harmonise)
    return box.model_copy(
        update={
            "source": source, "background": background, "stages": stages,
            "canvas": CanvasSettings(placeholder=box.canvas.placeholder),
            "sound": SoundSettings(), "outputs": (),
        }
    )  # fmt: skip


def stream_of(box: Settings, addresses: Sequence[str], identity: str) -> OutputSettings | None:
    """The RTSP stream of a session: where and how the box's first RTSP output sends.

    ``addresses``: of the box's outputs, as bound. None if none of them is RTSP.
    """
    for output, bound in zip(box.outputs, addresses, strict=True):
        if scheme_of(output.uri) in ("rtsp", "rtsps"):
            parts = urlsplit(bound)
            uri = f"{parts.scheme}://{parts.netloc}{PATH}/{identity}"
            return output.model_copy(update={"uri": uri, "what": "picture"})
    return None


def encoding_of(box: Settings, stream: OutputSettings | None, identity: str) -> encoders.Wanted:
    """How a session's picture is encoded, for all who watch it: as the box's own is."""
    asked = encoders.DEFAULT if stream is None else encoders.Wanted.of(stream)
    own = encoders.Wanted(programme=identity, threads=_THREADS)
    return own.following(asked)
