"""The manifest of a lip-sync network: what it takes and gives, for weights that are the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from appliance.config.plain import read_plain
from appliance.config.tree import InvalidConfig
from appliance.errors import ModelError
from appliance.networks.manifest import StrictModel, Triple


class FacePart(StrictModel):
    """A graph of its own before or behind the network: one input, one output that counts.

    ``model`` is a path relative to the manifest's folder.
    """

    model: str
    input: str = Field(min_length=1)
    output: str = Field(min_length=1)

    @field_validator("model")
    @classmethod
    def _stays_in_folder(cls, value: str) -> str:
        return _inside(value)


class PictureSpec(StrictModel):
    """Pictures at a network's end: squares, NCHW; ``value = (pixel - mean) * scale``.

    Attributes:
        name: of the tensor. of: the graph that pictures go through before it (an encoder to
            latents), or after it (a decoder from latents); None: the tensor holds pictures.
    """

    name: str = Field(min_length=1)
    order: Literal["RGB", "BGR"] = "RGB"
    mean: Triple = (0.0, 0.0, 0.0)
    scale: Triple = (1 / 255, 1 / 255, 1 / 255)
    through: FacePart | None = None


class MelSpec(StrictModel):
    """A log mel spectrogram, in decibels scaled to -most..most; Wav2Lip's by default.

    Attributes:
        size: samples of a Fourier transform. hop: samples from one column to the next. bands, low,
            high: of the mel filters, hertz. preemphasis: y[n] = x[n] - p * x[n-1]. reference_db,
            floor_db: decibels taken off, and the lowest. most: what 0 dB becomes. columns: of a
            window.
    """

    size: int = Field(800, ge=64, le=4096)
    hop: int = Field(200, ge=16, le=4096)
    bands: int = Field(80, ge=8, le=256)
    low: float = Field(55.0, ge=0)
    high: float = Field(7600.0, gt=0, le=8000)
    preemphasis: float = Field(0.97, ge=0, lt=1)
    reference_db: float = 20.0
    floor_db: float = Field(-100.0, lt=0)
    most: float = Field(4.0, gt=0)
    columns: int = Field(16, ge=1, le=128)


class AudioSpec(StrictModel):
    """The sound's input.

    Attributes:
        name: of the tensor. mel: of Wav2Lip's kind. through: of MuseTalk's, the graph that makes
            features, (1, columns / 2, layers, features), of a Whisper log mel (1, 80, columns).
        frames: of MuseTalk's, features of 20 ms each that one picture sees.
    """

    name: str = Field(min_length=1)
    mel: MelSpec = MelSpec()
    through: FacePart | None = None
    frames: int = Field(10, ge=1, le=100)


class CropSpec(StrictModel):
    """The square around a face that the network sees, in distances between outer eye corners.

    ``x``, ``y``: its middle, from between the eyes, y downwards; ``side``: of the square.
    """

    x: float = Field(0.0, ge=-2, le=2)
    y: float = Field(0.45, ge=-2, le=2)
    side: float = Field(1.9, ge=0.5, le=6)


class FaceManifest(StrictModel):
    """One lip-sync network.

    Attributes:
        kind: wav2lip: (1, 1, bands, columns) of mel and (1, 6, S, S), the face with its lower half
            black and the face as it is, give (1, 3, S, S). musetalk: (1, n, features) of sound and
            (1, 8, s, s), the latents of the two, give (1, 4, s, s), the latents of the face.
        size: S, the pictures' sides. timestep: a further input of one zero, where it has one.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    task: Literal["lip-sync"]
    kind: Literal["wav2lip", "musetalk"]
    title: str = ""
    licence: str = ""
    model: str = "model.onnx"
    size: int = Field(ge=32, le=1024, multiple_of=2)
    audio: AudioSpec
    face: PictureSpec
    output: PictureSpec
    timestep: str = ""
    crop: CropSpec = CropSpec()

    @field_validator("model")
    @classmethod
    def _stays_in_folder(cls, value: str) -> str:
        return _inside(value)

    @model_validator(mode="after")
    def _has_its_parts(self) -> Self:
        parts = {
            "audio": self.audio.through, "face": self.face.through, "output": self.output.through
        }  # fmt: skip
        has = [name for name, part in parts.items() if part is not None]
        if self.kind == "wav2lip" and has:
            raise ValueError(f"{has[0]}.through: expected none, as kind is wav2lip")
        if self.kind == "musetalk" and len(has) != len(parts):
            missing = next(name for name in parts if name not in has)
            raise ValueError(f"{missing}.through: expected a graph, as kind is musetalk")
        if any(factor == 0 for spec in (self.face, self.output) for factor in spec.scale):
            raise ValueError("face.scale, output.scale: expected numbers other than 0")
        return self

    def files(self) -> tuple[str, ...]:
        """All the ONNX files that it names."""
        through = (self.audio.through, self.face.through, self.output.through)
        return (self.model, *(part.model for part in through if part is not None))


def load_face_manifest(path: Path) -> FaceManifest:
    """Read a lip-sync network's manifest.

    Raises ModelError when it is missing, is not YAML, has wrong fields, or names files that are not
    there.
    """
    path = path / "manifest.yaml" if path.is_dir() else path
    try:
        data = read_plain(path, "give the manifest.yaml of a lip-sync network (docs/faces.md)")
    except InvalidConfig as error:
        raise ModelError(f"the manifest {error}") from error
    if isinstance(data, dict) and data.get("task", "alpha") != "lip-sync":
        raise ModelError(
            f"{path}: task: found {str(data.get('task', 'alpha'))[:40]}, expected lip-sync; see "
            "docs/faces.md"
        )
    try:
        manifest = FaceManifest.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ModelError(
            f"{path}: {where + ': ' if where else ''}{first['msg']}{more}; see docs/faces.md"
        ) from error
    for file in manifest.files():
        if not (path.parent / file).is_file():
            raise ModelError(
                f"{path}: {path.parent / file} is not there; put the ONNX file beside the manifest"
            )
    return manifest


def _inside(value: str) -> str:
    if not value or "\0" in value or Path(value).is_absolute() or ".." in Path(value).parts:
        raise ValueError("must be a path inside the manifest's own folder")
    return value
