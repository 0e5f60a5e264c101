"""From a checkpoint to `model.onnx` and `manifest.yaml`, checked against torch."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import onnxslim
import torch
import yaml

from export.network.matting_network import SETTINGS, MattingNetwork, Setting, parameter_count
from export.sizes import write_sizes
from export.training.checkpoint import load

OPSET = 17
INPUT, OUTPUT = "image", "alpha"
TOLERANCE = 2e-4  # largest difference in alpha between torch and ONNX Runtime


def to_onnx(network: MattingNetwork) -> onnx.ModelProto:
    """The network in eval mode as a slimmed FP32 ONNX graph: batch one, static shapes."""
    setting = network.setting
    image = torch.zeros(1, 3, setting.height, setting.width)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that needs no extra package warns every time that it is deprecated.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (image,), buffer, opset_version=OPSET, dynamo=False,
            input_names=[INPUT], output_names=[OUTPUT],
        )  # fmt: skip
    model = onnxslim.slim(onnx.load_from_string(buffer.getvalue()))
    if not isinstance(model, onnx.ModelProto):
        raise TypeError(f"onnxslim gave {type(model).__name__}, expected a ModelProto")
    onnx.checker.check_model(model, full_check=True)
    return model


def probe_images(setting: Setting, seed: int = 0) -> np.ndarray:
    """Black, white, grey, saturated colours and noise, float32 (n, 3, h, w) in [-1, 1]."""
    shape = (3, setting.height, setting.width)
    rng = np.random.default_rng(seed)
    plain = [np.full(shape, value, np.float32) for value in (-1, 1, 0)]
    for channel in range(3):
        colour = np.full(shape, -1, np.float32)
        colour[channel] = 1
        plain.append(colour)
    noise = [rng.uniform(-1, 1, shape).astype(np.float32), np.sign(rng.normal(size=shape))]
    return np.stack([*plain, *noise]).astype(np.float32)


def largest_difference(network: MattingNetwork, model: bytes) -> float:
    """Largest difference in alpha between torch and ONNX Runtime on the probe images.

    Raises ValueError when either gives NaN or infinity.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for image in probe_images(network.setting):
        with torch.no_grad():
            ours = network(torch.from_numpy(image[None])).numpy()
        theirs = np.asarray(session.run([OUTPUT], {INPUT: image[None]})[0])
        if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            raise ValueError("NaN or infinity in alpha; do not ship these weights")
        worst = max(worst, float(np.abs(ours - theirs).max()))
    return worst


def _manifest(setting: Setting, progress: dict[str, Any], parameters: int) -> dict[str, Any]:
    step = 2 / 255
    return {
        "name": setting.name,
        "title": f"Mattebox {setting.name}: single-frame matting, {parameters / 1e6:.2f} M values",
        "model": "model.onnx",
        "licence": "Apache-2.0",
        "input": {
            "name": INPUT, "width": setting.width, "height": setting.height, "layout": "NCHW",
            "order": "RGB", "mean": [127.5] * 3, "scale": [round(step, 10)] * 3,
        },
        "output": {"name": OUTPUT, "layout": "NCHW", "channel": 0, "activation": "none"},
        "state": [],
        "training": {
            "data": "docs/data.md", "steps": progress["step"], "scenes": progress["scenes"],
            "minutes": round(progress["seconds"] / 60, 1), "parameters": parameters,
        },
        "figures": {},
    }  # fmt: skip


def export_checkpoint(checkpoint: Path, setting_name: str, out: Path) -> Path:
    """Write `model.onnx` and `manifest.yaml` of a checkpoint's averaged weights into `out`.

    Also writes the same network with smaller and upright inputs, beside `out`: see `export.sizes`.

    What an existing manifest says about figures and training is kept where nothing newer is
    known. Raises FileNotFoundError, or ValueError when the graphs disagree.
    """
    if not checkpoint.is_file():
        raise FileNotFoundError(
            f"{checkpoint}: no checkpoint; train first: python -m export train "
            f"--setting {setting_name}"
        )
    if setting_name not in SETTINGS:
        raise ValueError(f"setting {setting_name!r} unknown, expected one of {sorted(SETTINGS)}")
    setting = SETTINGS[setting_name]
    state = load(checkpoint, setting_name)
    network = MattingNetwork(setting).eval()
    network.load_state_dict(state["average"])
    model = to_onnx(network)
    data = model.SerializeToString()
    difference = largest_difference(network, data)
    if difference > TOLERANCE:
        raise ValueError(
            f"ONNX Runtime's alpha is {difference:.2g} from torch's, at most {TOLERANCE} expected"
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(data)
    manifest = _manifest(setting, state["progress"], parameter_count(network))
    path = out / "manifest.yaml"
    if path.is_file():
        before = yaml.safe_load(path.read_text())
        manifest["training"] = {**before.get("training", {}), **manifest["training"]}
        manifest["figures"] = before.get("figures", {})
    path.write_text(yaml.safe_dump(manifest, sort_keys=False, width=200, default_flow_style=None))
    write_sizes(out)
    return out / "model.onnx"
