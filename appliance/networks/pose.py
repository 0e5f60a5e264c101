"""A pose network by ONNX Runtime: BlazePose's landmarks of one person in a square crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from appliance.errors import MattingError, MissingDependency, ModelError
from appliance.media.frame import F32
from appliance.networks.folders import model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest
from appliance.networks.onnxruntime import open_session, run_session
from appliance.system.file_identity import identity

POINTS, NUMBERS = 39, 5
"""33 landmarks and 6 that aim the next crop, each x, y, z, and logits of seen and present."""

_INSTALL = "mattebox model add pose"


class PoseNetwork:
    """A network whose manifest says ``task: pose``, checked when it is loaded."""

    def __init__(self, manifest: Manifest, model: Path, threads: int = 0) -> None:
        """Load and check. Raises ModelError for another network."""
        if manifest.task != "pose":
            raise ModelError(
                f"{manifest.name}: its task is {manifest.task}, expected pose; add one with: "
                f"{_INSTALL}"
            )
        self._session, _ = open_session(model, threads)
        self.manifest = manifest
        self.identity = identity(model)
        """Tells this network's file from another of its name."""
        self._names = _outputs(self._session, manifest, model)
        spec = manifest.input
        self._tensor = np.zeros(spec.shape, np.float32)
        self.input: F32 = (
            self._tensor[0] if spec.layout == "NCHW" else np.moveaxis(self._tensor[0], 2, 0)
        )
        """float32 (3, height, width), to be filled before ``infer``."""

    def infer(self) -> tuple[F32, float]:
        """Run on ``input``: landmarks, float32 (39, 5), in the input's pixels; how likely, 0..1.

        Raises MattingError when the network throws.
        """
        feeds = {self.manifest.input.name: self._tensor}
        points, present = run_session(
            self._session, self.manifest.name, self._names, feeds, MattingError
        )
        return np.asarray(points, np.float32).reshape(POINTS, NUMBERS), float(present.ravel()[0])


def load_pose(name: str = "pose") -> PoseNetwork:
    """The pose network of a name, as ``mattebox model add pose`` has installed it.

    Raises MissingDependency where there is none, ModelError for one that cannot be used.
    """
    folders = model_folders()
    if not any((folder / name / "manifest.yaml").is_file() for folder in folders):
        raise MissingDependency(
            f"no pose network is installed ({folders[-1] / name} is not there), without which no "
            f"puppet can be moved; get it once with: {_INSTALL} (or, without a network connection, "
            f"{_INSTALL} --from pose_landmark_lite.tflite)"
        )
    return PoseNetwork(*load_manifest(find_manifest(name, folders), task="pose"))


def _outputs(session: ort.InferenceSession, manifest: Manifest, model: Path) -> list[str]:
    """The names of landmarks and of presence; raises ModelError where the graph is another."""
    spec = manifest.input
    inputs = {t.name: (t.type, list(t.shape)) for t in session.get_inputs()}
    outputs = {t.name: list(t.shape) for t in session.get_outputs()}
    expected = {spec.name: ("tensor(float)", list(spec.shape))}
    present = [name for name, shape in outputs.items() if shape == [1, 1]]
    landmarks = outputs.get(manifest.output.name)
    if inputs != expected or landmarks != [1, POINTS * NUMBERS] or len(present) != 1:
        raise ModelError(
            f"{model}: found inputs {inputs} and outputs {outputs}; expected of a pose network "
            f"{expected}, {manifest.output.name} {[1, POINTS * NUMBERS]} and one of [1, 1]; add it "
            f"anew: {_INSTALL} --replace"
        )
    return [manifest.output.name, present[0]]
