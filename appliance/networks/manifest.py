"""The manifest beside an ONNX file: what the network takes and what it gives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from appliance.config.plain import read_plain
from appliance.config.tree import InvalidConfig, one_line
from appliance.errors import ModelError

_MOST_WORDS = 400
_MOST_MISTAKES = 20
_MOST_STATE = 1 << 26

Task = Literal["alpha", "classes", "flow", "between", "picture", "pose"]
"""What a network gives: the person's matte, a class for each pixel, how the picture moved,
a picture between two others, another picture, or the joints of a person."""

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
    shape: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, max_length=6)

    @field_validator("shape")
    @classmethod
    def _fits_into_memory(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if math.prod(value) > _MOST_STATE:
            raise ValueError(f"has {math.prod(value)} values, at most {_MOST_STATE} are taken")
        return value


class Manifest(StrictModel):
    """One network. ``model`` is a path relative to the manifest's folder."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    task: Task = "alpha"
    """What it gives: see ``Task``."""
    title: str = ""
    model: str = "model.onnx"
    smaller: str = Field("", pattern=r"^([a-z0-9][a-z0-9_.-]{0,63})?$")
    """The folder, beside the manifest's own, of the same network with a smaller input."""
    upright: str = Field("", pattern=r"^([a-z0-9][a-z0-9_.-]{0,63})?$")
    """The folder, beside the manifest's own, of the same network with an upright input."""
    licence: str = ""
    input: InputSpec
    output: OutputSpec
    state: tuple[StateSpec, ...] = Field((), max_length=64)
    training: dict[str, Any] = {}
    figures: dict[str, Any] = {}

    @field_validator("model")
    @classmethod
    def _stays_in_folder(cls, value: str) -> str:
        if not _inside(value):
            raise ValueError("must be a path inside the manifest's own folder")
        return value


def load_manifest(path: Path) -> tuple[Manifest, Path]:
    """Read a manifest.

    Returns the manifest and the path of its ONNX file. Raises ModelError when the file is missing,
    is not YAML, has wrong fields, or names a model that does not exist; one line for each mistake.
    """
    try:
        data = read_plain(path, "give the manifest.yaml of a network")
    except InvalidConfig as error:
        raise ModelError(f"the manifest {error}") from error
    if not isinstance(data, dict):
        raise ModelError(
            f"{path}: found {type(data).__name__}, expected a mapping with name, input, output"
        )
    missing = _missing_model(path, data.get("model", Manifest.model_fields["model"].default))
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        raise ModelError("\n".join([*_in_words(path, error), *missing])) from error
    if missing:
        raise ModelError(missing[0])
    return manifest, path.parent / manifest.model


def _in_words(path: Path, error: ValidationError) -> list[str]:
    """A line for each mistake, none of them long: what is wrong came with somebody's file."""
    lines = []
    for one in error.errors(include_url=False)[:_MOST_MISTAKES]:
        where = ".".join(str(part) for part in one["loc"])[:200]
        found = "" if one["type"] == "missing" else f" (found {one['input']!r})"
        words = f"{where}: {one['msg']}{found}"
        lines.append(f"{path}: {one_line(words, _MOST_WORDS)}")
    more = error.error_count() - len(lines)
    return lines if more == 0 else [*lines, f"{path}: and {more:,} more mistakes"]


def _missing_model(path: Path, name: object) -> list[str]:
    """That the ONNX file is not there; nothing if it is, or if ``name`` can be none."""
    if not isinstance(name, str) or "\0" in name or not _inside(name):
        return []
    try:
        there = (path.parent / name).is_file()
    except OSError:  # a name that is too long, or a folder that may not be entered
        there = False
    if there:
        return []
    model = one_line(str(path.parent / name), _MOST_WORDS)
    return [f"{path}: model: {model} is not there; put the ONNX file beside the manifest"]


def _inside(name: str) -> bool:
    return not Path(name).is_absolute() and ".." not in Path(name).parts


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
