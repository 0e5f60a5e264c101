"""Mel spectrograms against the textbook's formulas, written the slow way, and librosa's filters."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.faces.manifest import MelSpec
from appliance.faces.mel import Mel, WhisperMel, mel_filters
from appliance.media.audio import I16

LIBROSA = (
    (0, 5, 0.02081245), (0, 6, 0.0053340821),
    (1, 6, 0.022485306), (1, 7, 0.017675104),
    (10, 23, 0.020395715), (10, 24, 0.0049173473),
    (40, 86, 0.014343159), (40, 87, 0.012076846),
    (79, 366, 0.0036353399), (79, 367, 0.0034619104),
)  # fmt: skip


def voice(count: int) -> I16:
    t = np.arange(count) / 16000
    wave = 0.3 * np.sin(2 * np.pi * 220 * t) + 0.2 * np.sin(2 * np.pi * 1870 * t) * np.sin(19 * t)
    return (wave * 32767).astype(np.int16)


def test_filters_are_librosas() -> None:
    """Values of librosa.filters.mel(sr=16000, n_fft=800, n_mels=80, fmin=55, fmax=7600), 0.11."""
    found = mel_filters(800, 80, 55, 7600)
    assert found.shape == (80, 401)
    for band, bin_, value in LIBROSA:
        assert found[band, bin_] == pytest.approx(value, rel=1e-5)
    # Each of the same area, but for what the bins' grid does to the narrow ones.
    assert found[40:].sum(1) == pytest.approx(np.full(40, 1 / 20), rel=0.05)


def test_a_column_is_the_formulas() -> None:
    spec = MelSpec()
    mel, sound = Mel(spec), voice(8000)
    start = 3000
    window = sound[start - mel.before : start - mel.before + mel.samples]
    found = mel(window)
    assert found.shape == (80, 16)
    wave = sound.astype(np.float64) / 32768
    filtered = np.concatenate([wave[:1], wave[1:] - 0.97 * wave[:-1]])
    for column in (0, 7, 15):
        middle = start + 200 * column
        part = filtered[middle - 400 : middle + 400]
        n = np.arange(800)
        part = part * (0.5 - 0.5 * np.cos(2 * np.pi * n / 800))
        dft = np.exp(-2j * np.pi * np.outer(np.arange(401), n) / 800)
        energies = mel_filters(800, 80, 55, 7600) @ np.abs(dft @ part)
        level = 20 * np.log10(np.maximum(1e-5, energies)) - 20
        want = np.clip(8 * (level + 100) / 100 - 4, -4, 4)
        assert np.abs(found[:, column] - want).max() < 1e-5


def test_silence_is_the_floor() -> None:
    mel = Mel(MelSpec())
    assert (mel(np.zeros(mel.samples, np.int16)) == -4).all()


def test_whisper_pads_with_silence_and_cuts_off() -> None:
    mel = WhisperMel(50)
    short = mel(voice(4000))
    assert short.shape == (80, 50)
    assert np.array_equal(short, mel(np.concatenate([voice(4000), np.zeros(9000, np.int16)])))
    # Eight powers of ten below the loudest, and no less: (max - 8 + 4) / 4.
    assert short.min() == pytest.approx(short.max() - 2, abs=1e-5)
