"""The two networks that find a face, by ONNX Runtime: where faces are, and the points of one.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019, and
Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from appliance.errors import MattingError, MissingDependency, ModelError
from appliance.media.frame import F32
from appliance.networks.folders import model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest
from appliance.networks.onnxruntime import open_session, run_session
from appliance.networks.tasks import Task
from appliance.system.file_identity import identity

POINTS = 468
"""Of a face, each x, y and depth."""
KEY_POINTS = 6
"""Of a face that is found: right eye, left eye, tip of the nose, mouth, right and left ear."""
ANCHORS, NUMBERS = 896, 4 + 2 * KEY_POINTS

_INSTALL = "mattebox model add face"
_LIKELY = 0.5
_SAME = 0.3


@dataclass(frozen=True, slots=True)
class Found:
    """A face that was found in the finder's input: fractions of its sides, 0..1.

    Attributes:
        score: how likely, 0..1. box: x, y, width, height. points: float32 (6, 2), ``KEY_POINTS``.
    """

    score: float
    box: tuple[float, float, float, float]
    points: F32


class _FaceNetwork:
    """What both have in common: one picture in, two outputs of known shapes."""

    task: Task

    def __init__(self, manifest: Manifest, model: Path, threads: int = 0) -> None:
        """Load and check. Raises ModelError for another network."""
        if manifest.task != self.task:
            raise ModelError(
                f"{manifest.name}: its task is {manifest.task}, expected {self.task}; add it with: "
                f"{_INSTALL}"
            )
        self._session, _ = open_session(model, threads)
        self.manifest = manifest
        self.identity = identity(model)
        """Tells this network's file from another of its name."""
        spec = manifest.input
        self._names = self._outputs(self._session, model)
        self._tensor = np.zeros(spec.shape, np.float32)
        self.input: F32 = (
            self._tensor[0] if spec.layout == "NCHW" else np.moveaxis(self._tensor[0], 2, 0)
        )
        """float32 (3, height, width), to be filled before ``infer``."""

    def _outputs(self, session: ort.InferenceSession, model: Path) -> list[str]:
        """The names of the outputs; raises ModelError where the graph is another."""
        spec, (main, other) = self.manifest.input, self._counts()
        inputs = {t.name: (t.type, list(t.shape)) for t in session.get_inputs()}
        outputs = {t.name: list(t.shape) for t in session.get_outputs()}
        counts = {name: _count(shape) for name, shape in outputs.items()}
        expected = {spec.name: ("tensor(float)", list(spec.shape))}
        named = self.manifest.output.name
        rest = [name for name, count in counts.items() if count == other and name != named]
        if inputs != expected or counts.get(named) != main or len(rest) != 1:
            raise ModelError(
                f"{model}: found inputs {inputs} and outputs {outputs}; expected of a network for "
                f"{self.task} {expected}, {named} of {main} numbers and one of {other}; add it "
                f"anew: {_INSTALL} --replace"
            )
        return [named, rest[0]]

    def _counts(self) -> tuple[int, int]:
        """How many numbers its two outputs have."""
        raise NotImplementedError

    def _run(self) -> list[F32]:
        feeds = {self.manifest.input.name: self._tensor}
        return run_session(self._session, self.manifest.name, self._names, feeds, MattingError)


class FacePoints(_FaceNetwork):
    """The points of one face in a square crop that is upright and a half larger than the face."""

    task: Task = "face"

    def _counts(self) -> tuple[int, int]:
        return POINTS * 3, 1

    def infer(self) -> tuple[F32, float]:
        """Run on ``input``: float32 (468, 3), in the input's pixels; how likely it is a face, 0..1.

        Raises MattingError when the network throws.
        """
        points, logit = self._run()
        return np.asarray(points, np.float32).reshape(POINTS, 3), float(_sigmoid(logit.ravel())[0])


class FaceFinder(_FaceNetwork):
    """Where faces are in a square picture."""

    task: Task = "find-face"

    def __init__(self, manifest: Manifest, model: Path, threads: int = 0) -> None:
        """Load and check. Raises ModelError for another network."""
        super().__init__(manifest, model, threads)
        if manifest.input.width != manifest.input.height or manifest.input.width != 128:
            raise ModelError(f"{model}: an input of {manifest.input.shape}, expected 128x128")
        self._anchors = _anchors()

    def _counts(self) -> tuple[int, int]:
        return ANCHORS * NUMBERS, ANCHORS

    def infer(self) -> list[Found]:
        """Run on ``input``: the faces, the likeliest first. Raises MattingError when it throws."""
        numbers, logits = self._run()
        side = np.float32(self.manifest.input.width)
        scores = _sigmoid(np.asarray(logits, np.float32).reshape(ANCHORS))
        values = np.asarray(numbers, np.float32).reshape(ANCHORS, -1, 2) / side
        found: list[Found] = []
        for n in np.argsort(-scores, kind="stable"):
            # A NaN is not likely either.
            if not scores[n] >= _LIKELY:
                break
            middle, size = values[n, 0] + self._anchors[n], values[n, 1]
            corner = middle - size / 2
            box = (float(corner[0]), float(corner[1]), float(size[0]), float(size[1]))
            if all(_common(box, other.box) < _SAME for other in found):
                points = np.asarray(values[n, 2:] + self._anchors[n], np.float32)
                found.append(Found(float(scores[n]), box, points))
        return found


def load_face(name: str = "face") -> tuple[FaceFinder, FacePoints]:
    """The two networks, as ``mattebox model add face`` has installed them.

    Raises MissingDependency where they are not, ModelError for one that cannot be used.
    """
    folders, finder = model_folders(), f"{name}-finder"
    for each in (name, finder):
        if not any((folder / each / "manifest.yaml").is_file() for folder in folders):
            raise MissingDependency(
                f"no network that finds a face's points is installed ({folders[-1] / each} is not "
                f"there); get it once with: {_INSTALL} (or, without a network connection, "
                f"{_INSTALL} --from FILE.whl)"
            )
    return (
        FaceFinder(*load_manifest(find_manifest(finder, folders), task="find-face")),
        FacePoints(*load_manifest(find_manifest(name, folders), task="face")),
    )


def _anchors() -> F32:
    """The anchors' centres, float32 (896, 2): two a cell of 16x16, then six a cell of 8x8."""
    parts = []
    for cells, each in ((16, 2), (8, 6)):
        ys, xs = np.mgrid[:cells, :cells]
        centres = (np.stack([xs, ys], 2).reshape(-1, 2) + 0.5) / cells
        parts.append(np.repeat(centres, each, axis=0))
    return np.concatenate(parts).astype(np.float32)


def _common(one: tuple[float, float, float, float], other: tuple[float, ...]) -> float:
    """Intersection over union of two boxes."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    return common / max(one[2] * one[3] + other[2] * other[3] - common, 1e-9)


def _sigmoid(logits: F32) -> F32:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)


def _count(shape: list[object]) -> int:
    """Numbers of a tensor; 0 where a side is left open."""
    sides = [side if isinstance(side, int) else 0 for side in shape]
    return int(np.prod(sides, dtype=np.int64))
