from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.avatars.clip import ClipFrame
from appliance.config.settings import SourceSettings, VoiceSettings
from appliance.errors import AvatarError, SourceError
from appliance.faces.base import Patch
from appliance.media.frame import Colour, Format, Matrix, Range, Rect
from appliance.media.rgb import nv12_to_rgb, rgb_to_nv12
from appliance.sources.avatar import source as module
from appliance.sources.avatar.canvas import AvatarCanvases
from appliance.sources.avatar.source import AvatarSource
from appliance.sources.make import make_source
from appliance.voices.silent import NoVoice
from tests.avatars import make_tiny_avatar, tiny_number


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_tiny_avatar(tmp_path / "tiny")


def silent(source: AvatarSource) -> AvatarSource:
    """Without a voice, which takes a second to load."""
    source.use_voice(VoiceSettings(name="none"))
    return source


@pytest.fixture
def source(folder: Path) -> Iterator[AvatarSource]:
    opened = silent(AvatarSource(SourceSettings(pace="fast"), str(folder)))
    yield opened
    opened.close()


def test_the_address_opens_an_avatar_by_its_folder(folder: Path) -> None:
    source = make_source(SourceSettings(uri=f"avatar://{folder}"))
    assert isinstance(source, AvatarSource)
    assert source.live


def test_frames_know_their_alpha_and_follow_each_other_exactly(source: AvatarSource) -> None:
    format = source.open(None)
    assert (format.width, format.height, format.fps) == (64, 48, (25, 1))
    for number in range(30):
        frame = source.read(1)
        assert frame is not None
        assert frame.alpha is not None
        assert tiny_number(frame.y)[1] == number % 12
        assert (frame.pts, frame.serial) == (number * 40_000_000, number)
        assert frame.alpha[24, 32] == 255
        assert frame.alpha[0, 0] == 0
        (sound,) = source.sounds()
        assert sound.samples.shape == (1920, 2)
        assert sound.pts == number * 40_000_000


def test_canvases_are_used_again_and_a_held_frame_keeps_its_picture(source: AvatarSource) -> None:
    source.open(None)
    held = source.read(1)
    assert held is not None
    kept = held.y.copy()
    memory = set()
    for _ in range(40):
        frame = source.read(1)
        assert frame is not None
        memory.add(frame.y.ctypes.data)
        del frame
    assert np.array_equal(held.y, kept)
    assert len(memory) == 1


def test_sound_that_nobody_fetches_is_let_go(source: AvatarSource) -> None:
    """As where source.sound is none, or a microphone."""
    source.open(None)
    for _ in range(300):
        source.read(1)
    sounds = source.sounds()
    assert 0 < len(sounds) <= 100
    assert sounds[-1].pts == 299 * 40_000_000


def test_frames_that_nobody_gives_back_are_an_error_not_a_leak(source: AvatarSource) -> None:
    source.open(None)
    held = [source.read(1) for _ in range(12)]
    with pytest.raises(SourceError, match="canvases of the avatar are in use"):
        source.read(1)
    assert len(held) == 12


def test_another_canvas_gets_the_avatar_fitted_into_it(source: AvatarSource) -> None:
    want = Format(200, 96, (30, 1), Colour(Matrix.BT709))
    assert source.open(want) == want
    frame = source.read(1)
    assert frame is not None
    assert frame.alpha is not None
    assert frame.y.shape == (96, 200)
    rows, columns = np.nonzero(frame.alpha > 128)
    # Twice as large, in the middle.
    assert abs(float(columns.mean()) - 99.5) < 2
    assert abs(float(rows.mean()) - 47.5) < 2
    assert tiny_number(frame.y[:, 36:164]) == (0, 0)


def test_in_real_time_a_tick_is_made_when_it_is_due_not_before(folder: Path) -> None:
    source = silent(AvatarSource(SourceSettings(), str(folder)))
    source.open(None)
    assert source.read(0.001) is not None
    assert source.read(0.001) is None
    assert source.playout is not None
    assert source.playout.counts.ticks == 1
    assert source.read(1) is not None
    source.close()


def edit(path: Path, old: bytes, new: bytes) -> None:
    """Change one place by hand; a clip's header keeps its length."""
    data = path.read_bytes()
    assert old in data
    spare = b" " * (len(new) - len(old))
    path.write_bytes(data.replace(old, new, 1).replace(b"}" + spare, b"}", 1))


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda f: (f / "avatar.json").unlink(), "there is no avatar.json"),
        (lambda f: (f / "avatar.json").write_text("{"), "is not JSON"),
        (lambda f: (f / "avatar.json").write_text('{"version": 9}'), "of version 9, expected 1"),
        (lambda f: (f / "avatar.json").write_text("[" * 100_000), "is not JSON"),
        (lambda f: edit(f / "avatar.json", b"idle2.clip", rb"idle\u0000.clip"), "outside its"),
        (lambda f: edit(f / "idle.clip", b'"frames": 12', b'"frames": 1e999'), "header is broken"),
        (lambda f: edit(f / "idle.clip", b"[25, 1]", b"[25, 0]"), "header is broken"),
        (lambda f: (f / "idle.clip").unlink(), "cannot be read"),
        (lambda f: (f / "idle.clip").write_bytes(b""), "no clip of an avatar"),
        (lambda f: (f / "wave.clip").write_bytes((f / "wave.clip").read_bytes()[:-5]), "cut short"),
        (lambda f: (f / "idle.clip").write_bytes(b"MBXCLIP9" + bytes(99)), "another version"),
        (lambda f: (f / "idle.clip").write_bytes((f / "talk.clip").read_bytes()), "not the clip"),
    ],
)
def test_a_broken_avatar_is_refused_in_words(folder: Path, break_it, says: str) -> None:  # type: ignore[no-untyped-def]
    break_it(folder)
    with pytest.raises(AvatarError, match=says):
        AvatarSource(SourceSettings(), str(folder)).open(None)


@pytest.mark.parametrize("fitted", [False, True])
def test_an_avatar_of_another_colour_looks_the_same(fitted: bool) -> None:
    given, wanted = Colour(Matrix.BT601), Colour(Matrix.BT709, Range.FULL)
    rgb = np.zeros((16, 16, 3), np.uint8)
    rgb[:8, :, 0], rgb[8:, :, 1], rgb[:, 8:, 2] = 180, 120, 90
    meant = rgb_to_nv12(rgb, given)
    alpha = np.full((16, 16), 255, np.uint8)
    side = 32 if fitted else 16
    pool = AvatarCanvases(Format(side, side, (25, 1), wanted), Format(16, 16, (25, 1), given))
    rect = Rect(4, 4, 4, 4)
    patch = Patch(rect, meant.y[4:8, 4:8], meant.uv[2:4, 2:4])
    picture = ClipFrame(meant.y, meant.uv, alpha, Rect(0, 0, 16, 16))
    shown = pool.draw(picture, patch, 0.0)
    assert shown.colour == wanted
    seen = nv12_to_rgb(shown)[:: side // 16, :: side // 16].astype(int)
    inner = np.s_[2:6, 2:6]
    assert np.abs(seen[inner] - rgb[inner]).max() <= 4
    assert np.abs(seen[10:14, 10:14] - rgb[10:14, 10:14]).max() <= 4


def test_a_voice_wanted_while_it_is_opened_is_the_one_that_speaks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = AvatarSource(SourceSettings(pace="fast"), str(folder))
    source.use_voice(VoiceSettings(name="none", language="en"))
    wanted = VoiceSettings(name="none", language="de")
    made: list[VoiceSettings] = []

    def make(settings: VoiceSettings) -> NoVoice:
        made.append(settings)
        if settings != wanted:
            source.use_voice(wanted)
        return NoVoice()

    monkeypatch.setattr(module, "make_voice", make)
    source.open(None)
    assert made[-1] == wanted
    source.close()
