"""The mouth bank on a drawn avatar: which mouth, where it lies, and when nothing is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.avatars.avatar import Avatar
from appliance.errors import AvatarError, FaceError
from appliance.faces import bank as banks
from appliance.faces import region
from appliance.faces.bank import Bank
from appliance.faces.base import Patch, Spoken
from appliance.faces.choose import Chooser
from appliance.faces.intent import intent_of
from appliance.faces.mouth_bank import MouthBank
from appliance.faces.paste import paste_patch
from appliance.media.audio import I16
from appliance.media.frame import Frame
from appliance.voices.base import VISEMES, Mark
from tests.faces import drawn

QUIET: I16 = np.zeros(640, np.int16)
TAGS = {"PP": 0.0, "SS": 0.1, "E": 0.2, "aa": 0.3}


def drawn_bank(light: int = 0) -> Bank:
    """Four mouths, cut at another place than that of the avatar's face."""
    at = complex(60, 50)
    cuts = []
    for open_ in TAGS.values():
        y, uv = drawn.picture(open_, at, light)
        frame = banks.ClipFrame(y, uv, np.full_like(y, 255), drawn.Rect(0, 0, 128, 128))
        one = banks.cut(frame, (complex(drawn.EYES), at), region.mask_texture())
        assert one is not None
        cuts.append(one)
    y, uv = banks.stack(cuts)
    shapes = np.array([(open_ / 0.3, 0) for open_ in TAGS.values()], np.float32)
    return Bank(
        y, uv, np.array([cut.place for cut in cuts]),
        np.array([VISEMES.index(tag) for tag in TAGS], np.uint8), shapes,
        np.tile(np.array([0.0, 0.45], np.float32), (4, 1)),
        np.array([cut.light for cut in cuts], np.float32),
        np.array([(1, 9 * n) for n in range(4)], np.int32), (0.0, 0.3), (0.5, 0.7), True,
    )  # fmt: skip


@pytest.fixture
def avatar(tmp_path: Path) -> Avatar:
    return drawn.drawn_avatar(tmp_path, drawn_bank())


@pytest.fixture
def driver(avatar: Avatar) -> MouthBank:
    made = MouthBank()
    made.prepare(avatar)
    made.reset(1)
    return made


def said(*marks: tuple[float, str], sound: I16 = QUIET) -> Spoken:
    return Spoken(sound, tuple(Mark(ms, "viseme", value) for ms, value in marks))


def one(
    driver: MouthBank, avatar: Avatar, spoken: Spoken, clip: str = "idle", frame: int = 0
) -> Patch | None:
    (patch,) = driver.step(1, [drawn.shown(avatar, clip, frame)], [spoken])
    return patch


def pasted(avatar: Avatar, patch: Patch, clip: str = "idle", frame: int = 0) -> Frame:
    base = avatar.clips[clip].frame(frame)
    canvas = Frame(base.y.copy(), base.uv.copy(), avatar.format.colour)
    paste_patch(canvas, patch, 0)
    return canvas


def openness(frame: Frame) -> float:
    """How far the mouth is open where the face of the avatar has it, in parts of the eyes."""
    return float((frame.y[:, int(drawn.AT[0])] < 95).sum()) / drawn.EYES


@pytest.mark.parametrize(("viseme", "open_"), [("PP", 0.0), ("E", 0.2), ("aa", 0.3)])
def test_the_mouth_does_what_is_said(
    driver: MouthBank, avatar: Avatar, viseme: str, open_: float
) -> None:
    patch = one(driver, avatar, said((-5, viseme), (400, "sil")))
    assert patch is not None
    assert openness(pasted(avatar, patch)) == pytest.approx(open_, abs=0.06)


def test_it_lies_where_the_face_is_on_the_canvas(driver: MouthBank, avatar: Avatar) -> None:
    spoken = said((-5, "aa"), (400, "sil"))
    (near,) = driver.step(1, [drawn.shown(avatar, "idle", 0)], [spoken])
    driver.reset(1)
    (far,) = driver.step(1, [drawn.shown(avatar, "idle", 0, 300, 200)], [spoken])
    assert near is not None
    assert far is not None
    assert (far.rect.x - near.rect.x, far.rect.y - near.rect.y) == (300, 200)
    assert np.array_equal(far.y, near.y)


@pytest.mark.parametrize(
    "spoken",
    [
        said(),
        said((-100, "sil")),
        said((100, "aa")),
        said((-100, "sil"), (100, "aa"), sound=np.full(640, 9000, np.int16)),
        # The last viseme, after which the voice has ended without saying so.
        said((-2000, "aa")),
    ],
)
def test_silence_leaves_the_picture_as_it_is(
    driver: MouthBank, avatar: Avatar, spoken: Spoken
) -> None:
    assert one(driver, avatar, said((-5, "aa"), (40, "sil"))) is not None
    assert one(driver, avatar, spoken) is None


def test_a_pause_shuts_a_mouth_that_the_picture_has_open(driver: MouthBank, avatar: Avatar) -> None:
    pause = said((-10, "sil"), (300, "aa"))
    patch = one(driver, avatar, pause, "talk", 4)
    assert patch is not None
    base = avatar.clips["talk"].frame(4)
    assert openness(Frame(base.y, base.uv)) > 0.2
    assert openness(pasted(avatar, patch, "talk", 4)) < 0.06
    # Where it is shut already, nothing is done; nor where nobody speaks at all.
    assert one(driver, avatar, pause, "talk", 0) is None
    assert one(driver, avatar, said(), "talk", 4) is None


def test_without_visemes_loudness_opens_it(driver: MouthBank, avatar: Avatar) -> None:
    opens = []
    for level in (200, 1000, 9000):
        driver.reset(1)
        patch = one(driver, avatar, said(sound=np.full(640, level, np.int16)))
        assert patch is not None
        opens.append(openness(pasted(avatar, patch)))
    assert opens == sorted(opens)
    assert opens[0] < 0.1 < 0.25 < opens[-1]


def test_the_next_sound_is_looked_ahead_at(driver: MouthBank, avatar: Avatar) -> None:
    """Lips that are about to meet are on their way; they meet in time, whatever was before."""
    wide = one(driver, avatar, said((-50, "aa"), (500, "PP")))
    narrower = one(driver, avatar, said((-50, "aa"), (25, "PP")))
    shut = one(driver, avatar, said((-50, "aa"), (-5, "PP"), (300, "aa")))
    assert wide is not None
    assert narrower is not None
    assert shut is not None
    opens = [openness(pasted(avatar, patch)) for patch in (wide, narrower, shut)]
    assert opens[0] > opens[1] > opens[2]
    assert opens[2] < 0.06


def test_a_patch_takes_the_colour_of_its_surroundings(tmp_path: Path) -> None:
    avatar = drawn.drawn_avatar(tmp_path, drawn_bank(light=25))
    driver = MouthBank()
    driver.prepare(avatar)
    patch = one(driver, avatar, said((-5, "PP"), (400, "sil")))
    assert patch is not None
    assert patch.mask is not None
    base = avatar.clips["idle"].frame(0)
    rect = patch.rect
    under = base.y[rect.y : rect.bottom, rect.x : rect.right].astype(int)
    ring = (patch.mask > 10) & (patch.mask < 200)
    assert abs((patch.y.astype(int) - under)[ring].mean()) < 3
    canvas = pasted(avatar, patch)
    assert np.abs(canvas.y.astype(int) - base.y).mean() < 3
    # Outside the ellipse not a byte differs.
    outside = np.ones(canvas.y.shape, bool)
    outside[rect.y : rect.bottom, rect.x : rect.right] = patch.mask == 0
    assert np.array_equal(canvas.y[outside], base.y[outside])


def test_the_same_ticks_give_the_same_mouths(avatar: Avatar) -> None:
    ticks = [said((-5, value), (60, "E")) for value in ("aa", "PP", "O", "SS", "U", "E")]
    made = []
    for _ in range(2):
        driver = MouthBank()
        driver.prepare(avatar)
        driver.reset(1)
        patches = [one(driver, avatar, each) for each in ticks]
        made.append([None if patch is None else patch.y.tobytes() for patch in patches])
    assert made[0] == made[1]


def test_a_patch_is_the_hosts_for_good(driver: MouthBank, avatar: Avatar) -> None:
    first = one(driver, avatar, said((-5, "aa"), (400, "sil")))
    assert first is not None
    kept = first.y.copy()
    one(driver, avatar, said((-5, "PP"), (400, "sil")))
    assert np.array_equal(first.y, kept)


def test_where_no_face_is_known_there_is_no_patch(driver: MouthBank, avatar: Avatar) -> None:
    base = drawn.shown(avatar, "idle", 0)
    for clip, frame in (("", 0), ("unknown", 0), ("idle", 99)):
        seen = type(base)(clip, frame, base.y, base.uv, base.alpha, base.rect)
        assert driver.step(1, [seen], [said((-5, "aa"), (400, "sil"))]) == [None]


def test_what_cannot_be_prepared_says_what_to_do(tmp_path: Path) -> None:
    without = drawn.drawn_avatar(tmp_path / "without")
    with pytest.raises(FaceError, match=r"has no mouths.*mattebox model add face"):
        MouthBank().prepare(without)
    avatar = drawn.drawn_avatar(tmp_path / "with", drawn_bank())
    (avatar.folder / "mouths.npz").write_bytes(b"no bank")
    with pytest.raises(FaceError, match=r"mouths\.npz: is broken"):
        MouthBank().prepare(avatar)
    with pytest.raises(FaceError, match="before it was given an avatar"):
        MouthBank().step(1, [], [])


def test_a_bank_with_numbers_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mouths.npz"
    banks.save_bank(path, drawn_bank())
    assert len(banks.load_bank(path)) == 4
    good = dict(np.load(path))
    for change, words in (
        ({"light": np.full(4, np.nan, np.float32)}, "numbers that cannot be"),
        ({"viseme": np.full(4, 15, np.uint8)}, "numbers that cannot be"),
        ({"place": np.zeros((4, 2), np.complex128)}, "numbers that cannot be"),
        ({"ends": np.array([[0.3, 0.0], [0, 1]])}, "two rising pairs"),
        ({"turn": np.zeros((3, 2), np.float32)}, r"turn: float32 \(3, 2\), expected float32"),
        ({"uv": np.zeros((4, 1, 1, 2), np.uint8)}, r"uv: uint8"),
    ):
        np.savez(path, **{**good, **change})
        with pytest.raises(AvatarError, match=words):
            banks.load_bank(path)


def test_of_two_that_fit_the_one_is_taken_whose_surroundings_do(
    driver: MouthBank, avatar: Avatar
) -> None:
    """A mouth that fits a little better, from a darker hour, would show where its mask falls."""
    bank = drawn_bank()
    y, shape = np.concatenate([bank.y] * 2), np.concatenate([bank.shape] * 2)
    y[4:] -= 30
    # The target itself, against one that is a little off.
    shape[3] -= (0.1, 0)
    both = {
        name: np.concatenate([getattr(bank, name)] * 2)
        for name in ("uv", "place", "viseme", "turn", "light", "origin")
    }
    double = Bank(y, shape=shape, shut=bank.shut, wide=bank.wide, spoken=True, **both)
    intent = intent_of(said((-5, "aa"), (400, "sil")), 40, 16_000, None)
    assert intent is not None
    base = avatar.clips["idle"].frame(0)
    place = (complex(drawn.EYES), complex(*drawn.AT))
    for darker, wanted in ((0, 3), (30, 7)):
        around = region.ring(base.y - np.uint8(darker), place)
        assert Chooser(double)(intent, double.turn[0], drawn.EYES, around) == wanted
