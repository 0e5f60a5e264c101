"""Log mel spectrograms as lip-sync networks were trained with them: Wav2Lip's and Whisper's.

Mel filters are Slaney's (Auditory Toolbox, 1998), of equal area: linear to 1 kHz, logarithmic
above.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.faces.manifest import MelSpec
from appliance.media.audio import I16
from appliance.media.frame import F32

F64 = NDArray[np.float64]

RATE = 16_000
_LINEAR, _BREAK_HZ, _LOG_STEP = 3 / 200, 1000.0, np.log(6.4) / 27
_WHISPER_SIZE, _WHISPER_HOP, _WHISPER_BANDS = 400, 160, 80


def mel_filters(size: int, bands: int, low: float, high: float) -> F64:
    """Triangular filters over a spectrum of ``size // 2 + 1`` bins: float64 (bands, bins)."""
    edges = _hertz(np.linspace(_mel(low), _mel(high), bands + 2))
    bins = np.arange(size // 2 + 1) * RATE / size
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * area[:, None], np.float64)


class Mel:
    """Wav2Lip's mel spectrogram of a window; its tables are made once."""

    def __init__(self, spec: MelSpec) -> None:
        self._spec = spec
        self._filters = mel_filters(spec.size, spec.bands, spec.low, spec.high)
        self._window = _hann(spec.size)
        self.before = spec.size // 2 + 1
        """Samples before the first column's middle that are looked at."""
        self.samples = self.before + (spec.columns - 1) * spec.hop + spec.size // 2
        """Samples of a whole window, with those before and after."""

    def __call__(self, sound: I16) -> F32:
        """Float32 (bands, columns) of int16 (``samples``,) at 16 kHz."""
        spec = self._spec
        wave = sound.astype(np.float64) / 32768
        wave = wave[1:] - spec.preemphasis * wave[:-1]
        at = np.arange(spec.columns)[:, None] * spec.hop + np.arange(spec.size)
        spectrum = np.abs(np.fft.rfft(wave[at] * self._window, axis=1))
        floor = 10 ** (spec.floor_db / 20)
        level = 20 * np.log10(np.maximum(floor, self._filters @ spectrum.T)) - spec.reference_db
        scaled = 2 * spec.most * (level - spec.floor_db) / -spec.floor_db - spec.most
        return np.asarray(np.clip(scaled, -spec.most, spec.most), np.float32)


class WhisperMel:
    """Whisper's log mel spectrogram (Radford et al., 2022), of so many columns of 10 ms."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._filters = mel_filters(_WHISPER_SIZE, _WHISPER_BANDS, 0, RATE / 2)
        self._window = _hann(_WHISPER_SIZE)

    def __call__(self, sound: I16) -> F32:
        """Float32 (80, columns) of int16 samples at 16 kHz; silence after them, or cut off."""
        wave = np.zeros(self.columns * _WHISPER_HOP, np.float64)
        count = min(len(sound), len(wave))
        wave[:count] = sound[:count].astype(np.float64) / 32768
        wave = np.pad(wave, _WHISPER_SIZE // 2, "reflect")
        at = np.arange(self.columns)[:, None] * _WHISPER_HOP + np.arange(_WHISPER_SIZE)
        power = np.abs(np.fft.rfft(wave[at] * self._window, axis=1)) ** 2
        level = np.log10(np.maximum(1e-10, self._filters @ power.T))
        level = np.maximum(level, level.max() - 8)
        return np.asarray((level + 4) / 4, np.float32)


def _hann(size: int) -> F64:
    """The periodic Hann window, as Fourier transforms want it."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size), np.float64)


def _mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz * _LINEAR
    return float(_BREAK_HZ * _LINEAR + np.log(hertz / _BREAK_HZ) / _LOG_STEP)


def _hertz(mels: F64) -> F64:
    corner = _BREAK_HZ * _LINEAR
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mels - corner))
    return np.asarray(np.where(mels < corner, mels / _LINEAR, above), np.float64)
