"""FP16 in the graph: what it cannot hold is found and kept in FP32, and what is hidden is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from appliance.errors import ModelError
from appliance.networks.manifest import Manifest, load_manifest
from appliance.tools.engine.build import static_graph
from appliance.tools.engine.frames import Pictures, real_frames, tensors
from appliance.tools.engine.gates import LIMIT, choose_precision, compare
from appliance.tools.engine.graph import named, tensor_types
from appliance.tools.engine.precision import float_nodes, rounded_twin, to_half
from appliance.tools.engine.ranges import measure, unsafe_nodes

pytestmark = pytest.mark.usefixtures("data_here")

pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")

ROOT = Path(__file__).resolve().parents[3]
SIZE = 16
MANIFEST = Manifest.model_validate(
    {"name": "tiny", "input": {"name": "image", "width": SIZE, "height": SIZE},
     "output": {"name": "alpha"}}
)  # fmt: skip


def graph(nodes: list[onnx.NodeProto], **constants: object) -> onnx.ModelProto:
    """A network 1x3x16x16 -> 1x1x16x16 out of nodes from ``image`` to ``alpha``."""
    initial = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    made = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("alpha", TensorProto.FLOAT, [1, 1, SIZE, SIZE])],
        initial,
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return named(model)


def node(kind: str, inputs: str, output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], name=f"{kind}_{output}", **attributes)


def overflowing() -> onnx.ModelProto:
    """Up by 1e6 and down again: FP32 shrugs, FP16 overflows in between."""
    return graph(
        [
            node("ReduceMean", "image", "grey", axes=[1], keepdims=1),
            node("Mul", "grey thousand", "larger"),
            node("Mul", "larger thousand", "largest"),
            node("Mul", "largest small", "down"),
            node("Clip", "down zero one", "alpha"),
        ],
        thousand=np.float32(1000), small=np.float32(1e-6), zero=np.float32(0), one=np.float32(1),
    )  # fmt: skip


def pictures(count: int = 4) -> Pictures:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)
    return Pictures(tuple(frames), "noise")


def test_onnx_runtime_hides_an_overflow_and_the_twin_does_not() -> None:
    model = overflowing()
    hidden = compare(model, to_half(model), MANIFEST, pictures(), LIMIT)
    assert hidden.worst_pixel < 0.05, "ONNX Runtime rounds now: is the twin still needed?"
    seen = compare(model, rounded_twin(model), MANIFEST, pictures(), LIMIT)
    assert seen.worst_pixel > 0.5
    assert not seen.passed


def test_what_overflows_stays_in_fp32_and_the_rest_does_not() -> None:
    model = overflowing()
    chosen = choose_precision(model, MANIFEST, pictures(), LIMIT, lambda _: None)
    assert chosen.gate.passed
    assert chosen.keep == ("Mul_largest", "Mul_down")
    types = tensor_types(to_half(model, chosen.keep))
    assert types["larger"] == TensorProto.FLOAT16
    assert types["largest"] == TensorProto.FLOAT
    assert types["alpha"] == TensorProto.FLOAT


def test_a_sum_that_overflows_before_it_is_divided() -> None:
    model = graph(
        [
            node("ReduceMean", "image", "grey", axes=[1], keepdims=1),
            node("Mul", "grey hundred", "bright"),
            node("GlobalAveragePool", "bright", "mean"),
            node("Div", "bright mean", "ratio"),
            node("Sigmoid", "ratio", "alpha"),
        ],
        hundred=np.float32(200),
    )  # fmt: skip
    inputs = tensors(pictures().frames, MANIFEST)
    assert unsafe_nodes(model, measure(model, MANIFEST, inputs)) == ("GlobalAveragePool_mean",)


def test_a_denominator_too_small_for_fp16() -> None:
    model = graph(
        [
            node("ReduceMean", "image", "grey", axes=[1], keepdims=1),
            node("Mul", "grey tiny", "faint"),
            node("Div", "grey faint", "ratio"),
            node("Sigmoid", "ratio", "alpha"),
        ],
        tiny=np.float32(1e-5),
    )
    inputs = tensors(pictures().frames, MANIFEST)
    assert "Div_ratio" in unsafe_nodes(model, measure(model, MANIFEST, inputs))


def test_a_weight_beyond_fp16() -> None:
    model = graph(
        [
            node("ReduceMean", "image", "grey", axes=[1], keepdims=1),
            node("Min", "grey huge", "alpha"),
        ],
        huge=np.float32(1e5),
    )
    inputs = tensors(pictures().frames, MANIFEST)
    assert unsafe_nodes(model, measure(model, MANIFEST, inputs)) == ("Min_alpha",)


def test_layers_that_harm_most_are_found_one_by_one() -> None:
    """No overflow, but a difference of near equals: only FP32 keeps its digits."""
    model = graph(
        [
            node("ReduceMean", "image", "grey", axes=[1], keepdims=1),
            node("Add", "grey far", "offset"),
            node("Sub", "offset far", "back"),
            node("Clip", "back zero one", "alpha"),
        ],
        far=np.float32(4000), zero=np.float32(0), one=np.float32(1),
    )  # fmt: skip
    said: list[str] = []
    chosen = choose_precision(model, MANIFEST, pictures(), LIMIT, said.append)
    assert chosen.gate.passed
    assert "Add_offset" in chosen.keep
    assert "Clip_alpha" not in chosen.keep
    assert any("one by one" in line for line in said)


def test_what_the_operator_wants_in_fp32_stays_there() -> None:
    """Resize's scales; a Cast's target follows the graph; an output that is used inside too."""
    model = graph(
        [
            node("ReduceMean", "image", "grey", axes=[1], keepdims=1),
            helper.make_node("Resize", ["grey", "", "scales"], ["small"], name="down"),
            helper.make_node("Resize", ["small", "", "back"], ["large"], name="up"),
            node("Cast", "large", "again", to=TensorProto.FLOAT),
            node("Sigmoid", "again", "alpha"),
        ],
        scales=np.asarray([1, 1, 0.5, 0.5], np.float32), back=np.asarray([1, 1, 2, 2], np.float32),
    )  # fmt: skip
    half = to_half(model)
    onnx.checker.check_model(half, full_check=True)
    types = tensor_types(half)
    assert types["scales"] == TensorProto.FLOAT
    assert types["again"] == TensorProto.FLOAT16
    assert compare(model, half, MANIFEST, pictures(), LIMIT).passed


def test_control_flow_is_refused_in_words() -> None:
    branch = helper.make_graph(
        [node("Identity", "grey", "out")], "branch", [],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 1, SIZE, SIZE])],
    )  # fmt: skip
    model = graph(
        [
            node("ReduceMean", "image", "grey", axes=[1], keepdims=1),
            node("If", "yes", "alpha", then_branch=branch, else_branch=branch),
        ],
        yes=np.asarray(True),
    )
    with pytest.raises(ModelError, match=r"'If_alpha' is control flow.*--precision fp32"):
        to_half(model)


@pytest.mark.shared
def test_the_shipped_network_passes_on_real_frames(shared: Path) -> None:
    manifest, path = load_manifest(ROOT / "engines" / "portrait" / "manifest.yaml")
    model = static_graph(manifest, path)
    frames = real_frames(shared / "media" / "asl" / "eat.mkv", 12)
    chosen = choose_precision(model, manifest, frames, LIMIT, lambda _: None)
    assert chosen.gate.passed, chosen.gate.words
    assert chosen.gate.frames == 12
    assert len(chosen.keep) < len(float_nodes(model)) / 4
