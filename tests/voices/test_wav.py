"""WAV files: each kind, many channels and rates, and those that are none."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InputError
from appliance.voices import wav as module
from appliance.voices.wav import read_wav
from tests.voices.wavs import header, wav, wav16

RAMP = np.linspace(-0.9, 0.9, 1001)


@pytest.mark.parametrize(
    ("codec", "step"),
    [
        ("pcm_u8", 1 / 100), ("pcm_s16le", 1e-4), ("pcm_s24le", 1e-4), ("pcm_s32le", 1e-4),
        ("pcm_f32le", 1e-4), ("pcm_f64le", 1e-4), ("pcm_mulaw", 1 / 30), ("pcm_alaw", 1 / 30),
    ],
)  # fmt: skip
def test_each_kind_is_read_as_ffmpeg_writes_it(tmp_path: Path, codec: str, step: float) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed (make test installs it)")
    source, made = tmp_path / "a.wav", tmp_path / "b.wav"
    source.write_bytes(wav16(np.rint(RAMP * 32767).astype(np.int16), 16_000))
    command = ["ffmpeg", "-v", "error", "-i", source, "-c:a", codec, "-ac", "3", made]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    found = read_wav(made.read_bytes())
    assert found.rate == 16_000
    assert not found.cut_short
    # ffmpeg spreads one channel over three at other levels; the shape stays.
    scale = found.samples[-1] / RAMP[-1]
    assert found.samples / scale == pytest.approx(RAMP, abs=2 * step)
    assert scale > 0.3


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (2, 44_100), (32, 192_000)])
def test_channels_are_mixed_and_rates_kept(channels, rate):
    frames = np.zeros((100, channels), "<i2")
    frames[:, -1] = 3200 * channels // 10
    found = read_wav(wav(1, channels, rate, 16, frames.tobytes()))
    assert found.rate == rate
    assert found.samples == pytest.approx(np.full(100, 320 / 32768), abs=2e-5)


def test_extensible_headers_say_what_they_are_at_the_end():
    tail = struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    found = read_wav(wav(0xFFFE, 1, 8000, 16, b"\0\x40" * 9, tail))
    assert found.samples == pytest.approx(np.full(9, 0.5))


def test_other_chunks_are_passed_over():
    good = wav16(np.full(9, 16384, np.int16), 8000)
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    assert len(read_wav(good[:12] + odd + good[12:]).samples) == 9


def test_a_truncated_one_is_read_as_far_as_it_goes():
    good = wav16(np.full(1000, 16384, np.int16), 8000)
    found = read_wav(good[:-501])
    assert len(found.samples) == 749
    assert found.cut_short
    assert not read_wav(good).cut_short


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_stream_that_did_not_know_its_length_is_read_whole(size):
    assert len(read_wav(header(1, 1, 8000, 16, size) + b"ab" * 77).samples) == 77


def test_what_is_not_finite_is_silence_or_full():
    data = np.array([np.nan, np.inf, -np.inf, 0.25], "<f4").tobytes()
    assert read_wav(wav(3, 1, 8000, 32, data)).samples.tolist() == [0, 1, -1, 0.25]


def test_every_beginning_of_a_file_is_read_or_refused_in_words():
    good = wav16(np.full(30, 16384, np.int16), 8000)
    first = len(good) - 60 + 2  # with one whole sample
    for length in range(first):
        with pytest.raises(InputError, match="WAV"):
            read_wav(good[:length])
    for length in range(first, len(good)):
        assert len(read_wav(good[:length]).samples) == (length - first) // 2 + 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "found nothing"),
        (b"ID3\x04whatever and more", "an MP3.*ffmpeg"),
        (b"OggS" + bytes(40), "an Ogg file"),
        (b"RIFX" + bytes(40), "byte order"),
        (b"hello, world, hello", "expected a WAV"),
        (wav(1, 1, 8000, 16, b""), "no sound"),
        (wav(1, 1, 8000, 16, b"x"), "no sound"),
        (wav(1, 1, 7999, 16, b"ab"), "7999 samples a second; expected 8000 to 192000"),
        (wav(1, 1, 192_001, 16, b"ab"), "expected 8000 to 192000"),
        (wav(1, 0, 8000, 16, b"ab"), "0 channels"),
        (wav(1, 33, 8000, 16, b"ab" * 33), "33 channels"),
        (wav(1, 1, 8000, 12, b"ab"), "kind 1 with 12 bits"),
        (wav(0x55, 1, 8000, 0, b"ab"), "kind 85"),
        (wav(1, 1, 8000, 16, bytes(2 * 8000 * 601)), "lasts 601 s; expected at most 600"),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(data, said):
    with pytest.raises(InputError, match=said):
        read_wav(data)


def test_a_frame_of_another_size_than_its_samples_is_refused():
    head = bytearray(wav16(np.zeros(8, np.int16), 8000))
    struct.pack_into("<H", head, 32, 4)
    with pytest.raises(InputError, match="4 bytes a frame"):
        read_wav(head)


def test_there_is_a_most_of_bytes(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="at most"):
        read_wav(bytes(101))
