"""A face driver by manifest: a lip-sync network of the user's, run by ONNX Runtime."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from appliance.avatars.avatar import Avatar
from appliance.errors import AvatarError, FaceError, ModelError
from appliance.faces import region
from appliance.faces.base import FaceSpec, Patch, Shown, Spoken
from appliance.faces.colours import RingMatch
from appliance.faces.lip_sync import open_lip_sync
from appliance.faces.manifest import load_face_manifest
from appliance.faces.track import Face, load_faces
from appliance.media.frame import F32, Colour, Rect
from appliance.networks.manifest import OutputSpec
from appliance.networks.picture_output import picture_to_planes
from appliance.pixels import cpu

# So many ticks in a row decide whether a network is too slow.
_TIMED = 12
_SILENT = 33.0
"""RMS of 16 bits below which nothing is said: -60 dB."""


class OnnxFace:
    """Patches by a lip-sync network; silence leaves the base picture as it is."""

    def __init__(self, path: Path) -> None:
        """Load it. Raises FaceError, with what to do, for what cannot be used."""
        try:
            self._manifest = load_face_manifest(path)
            folder = path if path.is_dir() else path.parent
            self._network = open_lip_sync(self._manifest, folder)
        except ModelError as error:
            raise FaceError(str(error)) from error
        self.name = self._manifest.name
        self.spec = FaceSpec(
            left_ms=self._network.left_ms, right_ms=self._network.right_ms, batch=1
        )
        size, crop = self._manifest.size, self._manifest.crop
        by = size / crop.side
        self._place = (
            complex(by), -by * complex(crop.x - crop.side / 2, crop.y - crop.side / 2)
        )  # fmt: skip
        self._y = np.empty((size, size), np.uint8)
        self._uv = np.empty((size // 2, size // 2, 2), np.uint8)
        self._planes = np.empty((3, size, size), np.float32)
        self._face = np.empty((3, size, size), np.float32)
        self._warp, self._match = region.Warp(), RingMatch()
        self._texture = region.mask_texture()
        self._faces: dict[str, Face] = {}
        self._colour = Colour()
        self._tick_s = 0.04
        self._took: deque[float] = deque(maxlen=_TIMED)

    def prepare(self, avatar: Avatar) -> None:
        """Read where the face is. Raises FaceError when that is not known."""
        manifest = avatar.manifest
        if not manifest.faces:
            raise FaceError(
                f"{avatar.name}: where its face is is not known; add the network that finds it "
                "(mattebox model add face), then make it again: mattebox avatar make"
            )
        digests = {clip.name: clip.digest for clip in manifest.clips}
        try:
            self._faces = load_faces(avatar.folder / manifest.faces, digests)
        except AvatarError as error:
            raise FaceError(str(error)) from error
        format = avatar.format
        self._colour, self._tick_s = format.colour, format.fps[1] / format.fps[0]

    def step(
        self, turn: int, shown: Sequence[Shown], spoken: Sequence[Spoken]
    ) -> list[Patch | None]:
        """See ``FaceDriver``."""
        return [self._one(base, said) for base, said in zip(shown, spoken, strict=True)]

    def reset(self, turn: int) -> None:
        """Nothing is carried from tick to tick but how long they took."""
        self._took.clear()

    def close(self) -> None:
        """The session goes with its last holder."""
        self._faces = {}

    def _one(self, base: Shown, said: Spoken) -> Patch | None:
        face = self._faces.get(base.clip)
        place = None if face is None else face.at(base.frame)
        if place is None or self._silent(said.sound):
            return None
        begun = time.perf_counter()
        hidden = self._see(base, place)
        key = (base.clip, base.frame)
        made = self._network(key, self._face, hidden, said.sound)
        patch = self._lay(made, base, place)
        self._took.append(time.perf_counter() - begun)
        self._check_pace()
        return patch

    def _silent(self, sound: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> bool:
        """Whether nothing is said in the tick itself."""
        rate, spec = self.spec.rate, self.spec
        end = len(sound) - spec.right_ms * rate // 1000
        own = sound[spec.left_ms * rate // 1000 : max(0, end)]
        return len(own) == 0 or float(np.mean(np.square(own, dtype=np.float64))) < _SILENT**2

    def _see(self, base: Shown, place: tuple[complex, complex]) -> F32:
        """Fill the face's tensor from the base picture; returns it with its lower half black."""
        spec, size = self._manifest.face, self._manifest.size
        whole = Rect(0, 0, size, size)
        self._warp.planes(base.y, base.uv, place, self._place, whole, self._y, self._uv)
        self._planes[0] = self._y
        self._planes[1:] = np.moveaxis(cv2.resize(self._uv, (size, size)), 2, 0)
        mean, scale = np.array(spec.mean, np.float32), np.array(spec.scale, np.float32)
        bgr = spec.order == "BGR"
        cpu.planes_to_tensor(self._planes, self._colour, mean, scale, self._face, bgr=bgr)
        hidden = self._face.copy()
        hidden[:, size // 2 :] = (-mean * scale)[:, None, None]
        return hidden

    def _lay(self, made: F32, base: Shown, place: tuple[complex, complex]) -> Patch | None:
        """The network's face as it lies in the base picture, in its colours."""
        rows, columns = base.y.shape
        rect = region.bounds(*place).intersect(Rect(0, 0, columns, rows))
        if rect.width < 2 or rect.height < 2:
            return None
        spec = self._manifest.output
        out = OutputSpec(name=spec.name, order=spec.order, mean=spec.mean, scale=spec.scale)
        planes = np.rint(picture_to_planes(made, out, self._colour))
        values = np.clip(planes, 0, 255).astype(np.uint8)
        half = self._manifest.size // 2
        chroma = np.ascontiguousarray(np.moveaxis(values[1:], 0, 2))
        less = np.asarray(cv2.resize(chroma, (half, half), interpolation=cv2.INTER_AREA), np.uint8)
        y = np.empty((rect.height, rect.width), np.uint8)
        uv = np.empty((rect.height // 2, rect.width // 2, 2), np.uint8)
        mask = np.empty_like(y)
        self._warp.planes(values[0], less, self._place, place, rect, y, uv)
        self._warp.mask(self._texture, place, rect, mask)
        self._match(y, base.y[rect.y : rect.bottom, rect.x : rect.right], mask)
        under = base.uv[rect.y // 2 : rect.bottom // 2, rect.x // 2 : rect.right // 2]
        self._match(uv, under, mask)
        on = Rect(base.rect.x + rect.x, base.rect.y + rect.y, rect.width, rect.height)
        return Patch(on, y, uv, mask)

    def _check_pace(self) -> None:
        """Raises FaceError when it cannot keep up; what it makes would only come too late."""
        took = sorted(self._took)[len(self._took) // 2]
        if len(self._took) == _TIMED and took > self._tick_s:
            self._took.clear()
            raise FaceError(
                f"{self.name}: takes {1000 * took:.0f} ms a picture, of which there is one every "
                f"{1000 * self._tick_s:.0f} ms: take a smaller network, or face.driver: mouths"
            )
