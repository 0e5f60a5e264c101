"""The manifest beside an ONNX file: what the network takes and what it gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from appliance.errors import ModelError

Triple = tuple[float, float, float]


class StrictModel(BaseModel):
    """Base class for a network's files as read: frozen, no unknown keys, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InputSpec(StrictModel):
    """The picture input. ``value = (pixel - mean) * scale``, pixels in 0..255, per channel."""

    name: str = Field(min_length=1)
    width: int = Field(ge=16, le=4096)
    height: int = Field(ge=16, le=4096)
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    order: Literal["RGB", "BGR"] = "RGB"
    mean: Triple = (0.0, 0.0, 0.0)
    scale: Triple = (1 / 255, 1 / 255, 1 / 255)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The tensor's shape, batch of one."""
        if self.layout == "NCHW":
            return (1, 3, self.height, self.width)
        return (1, self.height, self.width, 3)


class OutputSpec(StrictModel):
    """The alpha output: which tensor, which channel of it, and how it becomes 0..1."""

    name: str = Field(min_length=1)
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    channel: int = Field(0, ge=0)
    activation: Literal["none", "sigmoid", "softmax"] = "none"


class StateSpec(StrictModel):
    """One recurrent tensor: frame t's ``output`` is frame t+1's ``input``; zeros reset it."""

    input: str = Field(min_length=1)
    output: str = Field(min_length=1)
    shape: tuple[int, ...] = Field(min_length=1, max_length=6)


class Manifest(StrictModel):
    """One network. ``model`` is a path relative to the manifest's folder."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    title: str = ""
    model: str = "model.onnx"
    smaller: str = Field("", pattern=r"^([a-z0-9][a-z0-9_.-]{0,63})?$")
    """The folder, beside the manifest's own, of the same network with a smaller input."""
    upright: str = Field("", pattern=r"^([a-z0-9][a-z0-9_.-]{0,63})?$")
    """The folder, beside the manifest's own, of the same network with an upright input."""
    licence: str = ""
    input: InputSpec
    output: OutputSpec
    state: tuple[StateSpec, ...] = ()
    training: dict[str, Any] = {}
    figures: dict[str, Any] = {}

    @field_validator("model")
    @classmethod
    def _stays_in_folder(cls, value: str) -> str:
        if Path(value).is_absolute() or ".." in Path(value).parts:
            raise ValueError("must be a path inside the manifest's own folder")
        return value


def load_manifest(path: Path) -> tuple[Manifest, Path]:
    """Read a manifest.

    Returns the manifest and the path of its ONNX file. Raises ModelError when the file is missing,
    is not YAML, has wrong fields, or names a model that does not exist; one line for each mistake.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the manifest cannot be read: {error}") from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ModelError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise ModelError(
            f"{path}: found {type(data).__name__}, expected a mapping with name, input, output"
        )
    missing = _missing_model(path, data.get("model", Manifest.model_fields["model"].default))
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        wrong = [_in_words(path, one) for one in error.errors()]
        raise ModelError("\n".join(wrong if missing is None else [*wrong, missing])) from error
    if missing is not None:
        raise ModelError(missing)
    return manifest, path.parent / manifest.model


def _missing_model(path: Path, name: object) -> str | None:
    if not isinstance(name, str) or "\0" in name or (path.parent / name).is_file():
        return None
    return (
        f"{path}: model: {path.parent / name} is not there; put the ONNX file beside the manifest"
    )


def _in_words(path: Path, error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    found = "" if error["type"] == "missing" else f" (found {error['input']!r})"
    return f"{path}: {where}: {error['msg']}{found}"


def find_manifest(name: str, folders: tuple[Path, ...]) -> Path:
    """Find a model's manifest by name (a folder in ``folders``) or by path.

    Raises ModelError, listing the names that exist.
    """
    direct = Path(name)
    if direct.suffix in {".yaml", ".yml"}:
        return direct
    if direct.is_dir():
        return direct / "manifest.yaml"
    for folder in folders:
        candidate = folder / name / "manifest.yaml"
        if candidate.is_file():
            return candidate
    known = sorted(p.parent.name for folder in folders for p in folder.glob("*/manifest.yaml"))
    raise ModelError(
        f"no model named {name!r} in {', '.join(map(str, folders))}; "
        f"known: {', '.join(known) or 'none'}; or give the path of a manifest.yaml"
    )
