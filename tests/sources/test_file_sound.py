"""The sound of files of every form: at its place to 5 ms, whole, and without a click."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import SourceSettings
from appliance.media.audio import RATE
from appliance.media.audio_ring import AudioRing
from appliance.media.mailbox import Closed
from appliance.sources.feeder import SourceFeeder
from appliance.sources.file import FileSource
from tests.media.sounds import I16, clicks, onsets

SECONDS = 3
NEAR = RATE * 5 // 1000
# 100 ms of 1 kHz each second, with ramps of 5 ms, at half of full scale.
BEEP = "0.5*sin(2*PI*1000*t)*clip(min(mod(t,1),0.1-mod(t,1))/0.005,0,1)"
PICTURE = ["-f", "lavfi", "-i", f"color=s=64x36:r=10:d={SECONDS}"]
VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10"]

Maker = Callable[..., Path]


def said(expression: str = BEEP, seconds: float = SECONDS, rate: int = RATE) -> list[str]:
    """ffmpeg's input of a sound."""
    both = f"aevalsrc='{expression}|{expression}':c=stereo:s={rate}:d={seconds}"
    return ["-f", "lavfi", "-i", both]


@pytest.fixture
def made(tmp_path: Path) -> Maker:
    """Makes a file out of a dark picture and sounds."""

    def make(name: str, *sound: str) -> Path:
        path = tmp_path / name
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *PICTURE, *sound]
        subprocess.run([*command, *VIDEO, str(path)], timeout=60, check=True)
        return path

    return make


def heard(path: Path, *, rounds: int = 1) -> tuple[I16, AudioRing]:
    """What is sent of a file that is read as fast as possible, from its first picture on."""
    settings = SourceSettings(uri=str(path), pace="fast", loop=rounds > 1)
    ring = AudioRing()
    feeder = SourceFeeder(FileSource(settings, path), settings, line=ring)
    ring.use(feeder)
    feeder.start()
    out, ends = [], 0
    try:
        while ends < rounds * SECONDS * 1_000_000_000:
            frame = feeder.mailbox.get(5)
            assert frame is not None
            out.append(ring.take(frame.pts, 8_000_000_000).samples)
            ends = frame.pts + frame.duration
    except Closed:
        pass
    finally:
        feeder.stop()
    out.append(ring.take(ends, 0).samples)
    return np.concatenate(out), ring


def check_beeps(
    got: I16, *, at: tuple[int, ...] = (0, 1, 2), peak: float = 16_384, early: float = 0
) -> None:
    """Beeps at these seconds, on both channels, with nothing sharper than the tone in between."""
    for channel in got.T:
        found = onsets(channel, 0.05 * peak)
        assert len(found) == len(at), found
        late = [one / RATE - second + early for one, second in zip(found, at, strict=True)]
        # What lies before the first picture is not heard.
        assert max(map(abs, late[1:])) < 0.005
        assert -0.005 < late[0] < 0.005 + early
    assert np.abs(got).max() == pytest.approx(peak, rel=0.15)
    assert clicks(got, peak=peak) < 2


# Beside Opus, ffmpeg writes the picture into Matroska 7 ms late.
LATE = {"opus": 0.007}
FORMS = {
    "pcm-8k-mono": ("in.mkv", ["-c:a", "pcm_s16le", "-ar", "8000", "-ac", "1"]),
    "mulaw-8k": ("in.mov", ["-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"]),
    "float-96k": ("in.mkv", ["-c:a", "pcm_f32le", "-ar", "96000"]),
    "flac-44.1k": ("in.mkv", ["-c:a", "flac", "-ar", "44100"]),
    "aac-mp4": ("in.mp4", ["-c:a", "aac", "-b:a", "160k"]),
    "aac-ts": ("in.ts", ["-c:a", "aac", "-b:a", "160k"]),
    "opus": ("in.mkv", ["-c:a", "libopus", "-b:a", "128k"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_sound_of_any_form_is_at_its_place(made: Maker, form: str) -> None:
    name, options = FORMS[form]
    got, ring = heard(made(name, *said(), *options))
    check_beeps(got, early=LATE.get(form, 0))
    assert (ring.cut, ring.late) == (0, 0)
    assert abs(len(got) - SECONDS * RATE) < NEAR


def test_what_is_16_bits_at_48_khz_comes_out_to_the_bit(made: Maker) -> None:
    path = made("in.mkv", *said("0.5*sin(2*PI*1000*t)"), "-c:a", "pcm_s16le")
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-"],
        capture_output=True, timeout=20, check=True,
    ).stdout  # fmt: skip
    want = np.frombuffer(raw, np.int16).reshape(-1, 2)
    got, _ = heard(path)
    assert len(got) == len(want)
    assert np.array_equal(got[100:-500], want[100:-500])


@pytest.mark.parametrize("codec", ["ac3", "pcm_s16le"])
def test_the_centre_of_5_1_is_heard_on_both_sides(made: Maker, codec: str) -> None:
    """Speech is in the centre: it must not get lost in the downmix."""
    only = f"0|0|{BEEP}|0|0|0"
    sound = ["-f", "lavfi", "-i", f"aevalsrc='{only}':c=5.1:s={RATE}:d={SECONDS}"]
    got, _ = heard(made("in.mkv", *sound, "-c:a", codec))
    assert np.abs(got[:, 0].astype(int) - got[:, 1]).max() < 100
    peak = float(np.abs(got).max())
    # By ITU-R BS.775 the centre comes in at -3 dB; the whole is then made to fit.
    assert 3000 < peak < 12_000
    check_beeps(got, peak=peak)


def test_sound_that_starts_late_and_ends_early(made: Maker) -> None:
    got, ring = heard(made("in.mkv", "-itsoffset", "0.5", *said(BEEP, 1.6), "-c:a", "pcm_s16le"))
    found = onsets(got[:, 0], 800)
    assert [abs(one - at) < NEAR for one, at in zip(found, (24_000, 72_000), strict=True)] == [
        True, True,
    ]  # fmt: skip
    assert not got[: RATE // 2 - 10].any()
    assert not got[int(2.11 * RATE) :].any()
    assert len(got) == SECONDS * RATE
    assert ring.missing == 0, "nothing more was to come"


def test_a_hole_is_true_silence_at_its_place(made: Maker) -> None:
    """Half a second of the packets is gone, in the middle of a tone."""
    tone = said("0.5*sin(2*PI*1000*t)")
    hole = ["-af", "aselect='not(between(t,1.2,1.7))'", "-c:a", "pcm_s16le"]
    got, ring = heard(made("in.mkv", *tone, *hole))
    silent = np.flatnonzero(~got[RATE : 2 * RATE].any(1)) / RATE
    assert not got[int(1.25 * RATE) : int(1.65 * RATE)].any()
    assert 0.4 < np.ptp(silent) < 1
    assert clicks(got[1000:-1000], peak=16_384) < 1.5
    assert ring.cut == 1
    assert ring.missing / RATE == pytest.approx(0.5, abs=0.05)


def test_corrupted_frames_do_not_move_the_others(made: Maker, tmp_path: Path) -> None:
    """Some of the AAC's bytes are wrong: the beeps stay where they are."""
    whole = made("whole.mp4", *said(), "-c:a", "aac", "-b:a", "160k")
    broken = tmp_path / "broken.mp4"
    noise = ["-bsf:a", "noise=amount='if(between(n,60,66),3,0)'"]
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", str(whole), "-c", "copy", *noise, str(broken)],
        timeout=20, check=False, capture_output=True,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip("this ffmpeg cannot make noise in chosen packets")
    got, _ = heard(broken)
    found = onsets(got[:, 0], 8000)
    for at in (0, RATE, 2 * RATE):
        assert min(abs(one - at) for one in found) < NEAR
    assert len(got) == pytest.approx(SECONDS * RATE, abs=NEAR)


def test_of_several_tracks_the_first_is_heard(made: Maker) -> None:
    other = said("0.5*sin(2*PI*300*t)")
    maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-c:a", "pcm_s16le"]
    got, _ = heard(made("in.mkv", *said(), *other, *maps))
    check_beeps(got)


def test_sound_that_cannot_be_decoded_is_silence(made: Maker) -> None:
    got, ring = heard(made("in.mkv", *said(), "-c:a", "wavpack"))
    assert len(got) == SECONDS * RATE
    assert not got.any()
    assert ring.missing == 0


@pytest.mark.parametrize(("name", "codec"), [("in.mkv", "pcm_s16le"), ("in.mov", "pcm_s16le")])
def test_a_loop_of_whole_periods_has_no_seam(made: Maker, name: str, codec: str) -> None:
    """To the sample: no hole, no overlap, round after round (OBS has had one for years)."""
    sound = [*said("0.5*sin(2*PI*1000*t)"), "-c:a", codec]
    got, ring = heard(made(name, *sound), rounds=4)
    assert len(got) == pytest.approx(4 * SECONDS * RATE, abs=2)
    assert clicks(got[1000:-1000], peak=16_384) < 1.01
    one = got[RATE : RATE + 48, 0]
    for k in range(SECONDS, 4 * SECONDS):
        assert np.array_equal(got[k * RATE - 96 : k * RATE - 48, 0], one), f"second {k}"
    assert (ring.cut, ring.missing, ring.late) == (0, 0, 0)


def test_a_loop_of_aac_begins_where_its_picture_does(made: Maker) -> None:
    """What an encoder adds at the ends is neither heard nor moves the next round."""
    path = made("in.mp4", *said(), "-c:a", "aac", "-b:a", "160k")
    got, ring = heard(path, rounds=4)
    check_beeps(got[: 4 * SECONDS * RATE], at=tuple(range(4 * SECONDS)))
    assert ring.cut == 0
