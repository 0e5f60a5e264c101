"""The manifest beside an ONNX file: what the network takes and what it gives."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from appliance.config.plain import read_plain
from appliance.config.tree import InvalidConfig, one_line
from appliance.errors import ModelError
from appliance.networks.tasks import Task, wrong_task

_MOST_WORDS = 400
_MOST_MISTAKES = 20
_MOST_STATE = 1 << 26

_MOST_CLASSES = 1000
ClassName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9 _.'/()-]{0,47}$")]

Triple = tuple[float, float, float]
_Factor = Annotated[float, Field(gt=0)]


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
    """The output: which tensor, which channel of it, and how it becomes 0..1.

    Of a network of ``classes`` every channel counts: ``softmax`` says that they are logits,
    ``none`` probabilities; with ``argmax`` there is a whole number for each pixel, its class.

    ``order``, ``mean``, ``scale`` are for ``task: picture`` and as an input's: what the network
    gives is ``(pixel - mean) * scale``, pixels in 0..255.
    """

    name: str = Field(min_length=1)
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    channel: int = Field(0, ge=0)
    activation: Literal["none", "sigmoid", "softmax", "argmax"] = "none"
    corners: bool = False
    """Of classes on a coarser grid than the input's: its outermost cells lie on the outermost
    pixels (TensorFlow's ``align_corners``); else each covers as much of the input as the others."""
    order: Literal["RGB", "BGR"] = "RGB"
    mean: Triple = (0.0, 0.0, 0.0)
    scale: tuple[_Factor, _Factor, _Factor] = (1 / 255, 1 / 255, 1 / 255)


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
    previous: str = ""
    """For tasks with two pictures (flow, between): the input for the frame before, of the same
    shape and values as ``input``."""
    output: OutputSpec
    classes: tuple[ClassName, ...] = Field((), max_length=_MOST_CLASSES)
    """What a network of ``classes`` tells apart, in the order of its channels or numbers."""
    state: tuple[StateSpec, ...] = Field((), max_length=64)
    training: dict[str, Any] = {}
    figures: dict[str, Any] = {}

    @field_validator("model")
    @classmethod
    def _stays_in_folder(cls, value: str) -> str:
        if not _inside(value):
            raise ValueError("must be a path inside the manifest's own folder")
        return value

    @model_validator(mode="after")
    def _fits_its_task(self) -> Self:
        """Raises ValueError where fields contradict the task."""
        if self.task == "classes":
            if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
                raise ValueError("classes: expected two or more, each once, as task is classes")
            if self.output.activation == "sigmoid":
                raise ValueError("output.activation: expected softmax, none or argmax for classes")
            if self.state:
                raise ValueError("state: expected none, as task is classes: it looks now and then")
        elif self.classes:
            raise ValueError(f"classes: expected none, as task is {self.task}")
        elif self.task == "alpha" and self.output.activation == "argmax":
            raise ValueError("output.activation: expected none, sigmoid or softmax for alpha")
        return self


def load_manifest(path: Path, task: Task | None = "alpha") -> tuple[Manifest, Path]:
    """Read the manifest of a network that is to do ``task``; None: whatever it does.

    Returns the manifest and the path of its ONNX file. Raises ModelError when the file is missing,
    is not YAML, has wrong fields, names a model that does not exist, or is for another task; one
    line for each mistake.
    """
    try:
        data = _read(path, _state(path))
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
    wrong = wrong_task(manifest.task, task)
    if wrong:
        raise ModelError(f"{path}: task: {wrong}")
    return manifest, path.parent / manifest.model


def _state(path: Path) -> tuple[int, ...]:
    """What tells that a file is the one that was read before."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


# A start asks for the same few several times over, each time for another part of what they say.
@lru_cache(maxsize=8)
def _read(path: Path, state: tuple[int, ...]) -> Any:
    """What the file holds; ``state`` tells one version of it from another. Not to be changed."""
    return read_plain(path, "give the manifest.yaml of a network")


def _in_words(path: Path, error: ValidationError) -> list[str]:
    """A line for each mistake, none of them long: what is wrong came with somebody's file."""
    lines = []
    for one in error.errors(include_url=False)[:_MOST_MISTAKES]:
        where = ".".join(str(part) for part in one["loc"])[:200]
        found = "" if one["type"] == "missing" else f" (found {one['input']!r})"
        # A rule between fields names its own, and what it found would be the whole manifest.
        words = f"{where}: {one['msg']}{found}" if where else str(one["msg"])
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
