"""What an importer is, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from appliance.errors import ModelError
from appliance.tools.engine.graph import graph_inputs, graph_outputs

if TYPE_CHECKING:
    from onnx import ModelProto

Shapes = Mapping[str, tuple[int | str, ...]]
Fields = dict[str, Any]

IMAGENET: Fields = {
    "mean": [123.675, 116.28, 103.53],
    "scale": [1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)],
}
"""ImageNet's mean and deviation, for pixels in 0..255."""

HALVES: Fields = {"mean": [127.5] * 3, "scale": [1 / 127.5] * 3}
"""Pixels in -1..1."""


@dataclass(frozen=True, slots=True)
class Release:
    """One published file, by its name, size in bytes (None: not known) and SHA-256.

    ``origin`` is where they are stated.
    """

    title: str
    file: str
    sha256: str
    size: int | None
    origin: str

    def matches(self, size: int, sha256: str) -> bool:
        """Whether a file of this size and hash is this release."""
        return sha256 == self.sha256 and self.size in (None, size)


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say: the input's size (width, height), RVM's downsample_ratio."""

    size: tuple[int, int] | None = None
    downsample: float | None = None


@dataclass(frozen=True, slots=True)
class Importer:
    """One kind of network.

    ``fits`` says whether a graph with these inputs and outputs is of this kind. ``manifest`` gives
    the manifest's fields for it, and may change the graph in place (shapes, constants); it raises
    ModelError for a graph that it cannot use.
    """

    kind: str
    title: str
    licence: str
    fits: Callable[[Shapes, Shapes], bool]
    manifest: Callable[[ModelProto, Options], Fields]
    releases: tuple[Release, ...] = field(default=())


def picture_size(
    shape: tuple[int | str, ...], options: Options, *, layout: str, usual: tuple[int, int] | None
) -> tuple[int, int]:
    """Width and height of the input: the graph's where it fixes them, else asked for, or usual.

    Raises ModelError when nothing says, or the wish is not what the graph fixes.
    """
    rows, columns = (shape[2], shape[3]) if layout == "NCHW" else (shape[1], shape[2])
    fixed = (columns, rows) if isinstance(rows, int) and isinstance(columns, int) else None
    if fixed is not None:
        width, height = int(fixed[0]), int(fixed[1])
        if options.size not in (None, (width, height)):
            raise ModelError(
                f"the graph's input is fixed at {width}x{height}; leave --size out, or export the "
                "network anew at the size you want"
            )
        return width, height
    size = options.size or usual
    if size is None:
        raise ModelError("the graph leaves its input's size open; name it: --size 512x288")
    return size


def only_picture(model: ModelProto) -> tuple[str, tuple[int | str, ...]]:
    """The one input of a graph, four-dimensional. Raises ModelError where there are others."""
    inputs = graph_inputs(model)
    if len(inputs) != 1 or len(next(iter(inputs.values()))) != 4:
        raise ModelError(f"expected one input of four dimensions, found {describe(inputs)}")
    return next(iter(inputs.items()))


def first_output(model: ModelProto) -> str:
    """The name of the graph's first output."""
    return next(iter(graph_outputs(model)))


def made_by(model: ModelProto, tensor: str) -> str:
    """The operator that makes a tensor, "" where there is none."""
    return next((n.op_type for n in model.graph.node if tensor in n.output), "")


def describe(shapes: Shapes) -> str:
    """Names and shapes, in words."""
    return ", ".join(f"{n} {'x'.join(map(str, s))}" for n, s in shapes.items()) or "none"
