"""The two kinds of lip-sync network: what each makes of a face and of the sound around it."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Protocol

import numpy as np

from appliance.errors import FaceError
from appliance.faces.graphs import FaceGraph
from appliance.faces.manifest import FaceManifest, FacePart
from appliance.faces.mel import RATE, Mel, WhisperMel
from appliance.media.audio import I16
from appliance.media.frame import F32

# Latents of a face as it is shown: two of 4x32x32 float32 are 32 KB a frame.
_MOST_KEPT = 2048
_BANDS = 80
_TO_FEATURES = 2
_FEATURE_MS = 20
_SAMPLES = RATE // 100


class LipSync(Protocol):
    """A network that makes a face say something.

    Attributes:
        left_ms, right_ms: sound before a tick's beginning and after its end that it needs.
    """

    left_ms: int
    right_ms: int

    def __call__(self, key: tuple[str, int], face: F32, hidden: F32, sound: I16) -> F32:
        """The face as the network has it: float32 (3, S, S), as ``output`` of the manifest.

        ``face`` is (3, S, S) as the manifest's ``face``, ``hidden`` with its lower half black,
        ``key`` names both. ``sound`` begins ``left_ms`` before the tick, at 16 kHz. Raises
        FaceError.
        """
        ...


class Wav2Lip:
    """Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to Lip Generation", 2020."""

    def __init__(self, manifest: FaceManifest, folder: Path) -> None:
        """Raises FaceError, ModelError."""
        self._manifest, size = manifest, manifest.size
        audio, face = manifest.audio.name, manifest.face.name
        self._graph = FaceGraph(folder / manifest.model, _inputs(manifest), manifest.output.name)
        self._mel = Mel(manifest.audio.mel)
        mel = manifest.audio.mel
        self._graph.expect(audio, (1, 1, mel.bands, mel.columns))
        self._graph.expect(face, (1, 6, size, size))
        self.left_ms = -(-self._mel.before * 1000 // RATE)
        self.right_ms = -(-(self._mel.samples - self._mel.before) * 1000 // RATE)

    def __call__(self, key: tuple[str, int], face: F32, hidden: F32, sound: I16) -> F32:
        """See ``LipSync``."""
        manifest, size = self._manifest, self._manifest.size
        first = self.left_ms * RATE // 1000 - self._mel.before
        window = sound[first : first + self._mel.samples]
        if len(window) < self._mel.samples:
            window = np.pad(window, (0, self._mel.samples - len(window)))
        feeds = {
            manifest.audio.name: self._mel(window)[None, None],
            manifest.face.name: np.concatenate([hidden, face])[None],
            **_timestep(manifest),
        }
        return _first(self._graph(feeds, (1, 3, size, size)))


class MuseTalk:
    """Zhang et al., "MuseTalk: Real-Time High-Fidelity Video Dubbing", 2024."""

    def __init__(self, manifest: FaceManifest, folder: Path) -> None:
        """Raises FaceError, ModelError."""
        self._manifest, size = manifest, manifest.size
        audio, face, output = (
            _part(manifest, part) for part in (manifest.audio, manifest.face, manifest.output)
        )
        self._names = (audio.input, face.input, output.input)
        self._hear = FaceGraph(folder / audio.model, (audio.input,), audio.output)
        self._encode = FaceGraph(folder / face.model, (face.input,), face.output)
        self._decode = FaceGraph(folder / output.model, (output.input,), output.output)
        self._graph = FaceGraph(folder / manifest.model, _inputs(manifest), manifest.output.name)
        heard = self._hear.shape(audio.input)
        columns = heard[2] if len(heard) == 3 else None
        least = manifest.audio.frames * _TO_FEATURES
        if columns is None or columns < least:
            raise FaceError(
                f"{folder / audio.model}: the input {audio.input} has the shape {heard}; expected "
                f"1x{_BANDS}xN, N fixed, {least} at least"
            )
        self._hear.expect(audio.input, (1, _BANDS, columns))
        self._encode.expect(face.input, (1, 3, size, size))
        self._mel = WhisperMel(columns)
        self._kept: OrderedDict[tuple[str, int], F32] = OrderedDict()
        # The window lies around the tick; the rest of what is heard comes before it.
        half = manifest.audio.frames * _FEATURE_MS // 2
        self.right_ms = half
        self.left_ms = columns * 10 - half

    def __call__(self, key: tuple[str, int], face: F32, hidden: F32, sound: I16) -> F32:
        """See ``LipSync``."""
        manifest, size = self._manifest, self._manifest.size
        mel = self._mel(sound[-self._mel.columns * _SAMPLES :])[None]
        heard = self._hear({self._names[0]: mel}, (1, None, None, None))[0]
        frames = manifest.audio.frames
        if len(heard) < frames:
            raise FaceError(f"{manifest.name}: {len(heard)} features of sound, expected {frames}")
        window = heard[-frames:].reshape(1, -1, heard.shape[2])
        latents = self._latents(key, face, hidden)
        feeds = {
            manifest.audio.name: window, manifest.face.name: latents, **_timestep(manifest)
        }  # fmt: skip
        made = self._graph(feeds, (1, 4, *latents.shape[2:]))
        return _first(self._decode({self._names[2]: made}, (1, 3, size, size)))

    def _latents(self, key: tuple[str, int], face: F32, hidden: F32) -> F32:
        """(1, 8, s, s): of the hidden face and of the face; kept, as the frames come again."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        name, shape = self._names[1], (1, 4, None, None)
        both = [self._encode({name: picture[None]}, shape) for picture in (hidden, face)]
        self._kept[key] = np.concatenate(both, axis=1)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def _first(batch: F32) -> F32:
    return np.asarray(batch[0], np.float32)


def open_lip_sync(manifest: FaceManifest, folder: Path) -> LipSync:
    """The network of a manifest in ``folder``. Raises FaceError, ModelError."""
    return (Wav2Lip if manifest.kind == "wav2lip" else MuseTalk)(manifest, folder)


def _inputs(manifest: FaceManifest) -> tuple[str, ...]:
    more = (manifest.timestep,) if manifest.timestep else ()
    return (manifest.audio.name, manifest.face.name, *more)


def _timestep(manifest: FaceManifest) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    return {manifest.timestep: np.zeros(1, np.int64)} if manifest.timestep else {}


def _part(manifest: FaceManifest, spec: object) -> FacePart:
    part = getattr(spec, "through", None)
    if not isinstance(part, FacePart):
        raise FaceError(f"{manifest.name}: names no graph through which its ends go")
    return part
