"""Lip-sync networks of random weights: shapes, where their faces go, and all that can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.avatars.avatar import Avatar
from appliance.errors import FaceError
from appliance.faces import lip_sync, onnx_driver
from appliance.faces.base import Patch, Spoken
from appliance.faces.onnx_driver import OnnxFace
from appliance.media.audio import I16
from appliance.media.frame import F32
from tests.faces import drawn
from tests.faces.graphs import musetalk, wav2lip, write_graph


@pytest.fixture
def avatar(tmp_path: Path) -> Avatar:
    return drawn.drawn_avatar(tmp_path / "avatar")


def heard(driver: OnnxFace, level: int = 9000) -> Spoken:
    count = (driver.spec.left_ms + 40 + driver.spec.right_ms) * 16
    sound: I16 = (level * np.sin(np.arange(count) / 9)).astype(np.int16)
    return Spoken(sound, ())


def one(driver: OnnxFace, avatar: Avatar, spoken: Spoken, frame: int = 0) -> Patch | None:
    (patch,) = driver.step(1, [drawn.shown(avatar, "idle", frame)], [spoken])
    return patch


@pytest.mark.parametrize("make", [wav2lip, musetalk])
def test_a_patch_over_the_mouth_and_nothing_in_silence(
    make: Callable[[Path], Path], avatar: Avatar, tmp_path: Path
) -> None:
    driver = OnnxFace(make(tmp_path / "network"))
    driver.prepare(avatar)
    driver.reset(1)
    patch = one(driver, avatar, heard(driver))
    assert patch is not None
    rect = patch.rect
    assert patch.y.shape == (rect.height, rect.width)
    assert patch.uv.shape == (rect.height // 2, rect.width // 2, 2)
    middle = (int(drawn.AT[0]) - rect.x, int(drawn.AT[1] + 0.78 * drawn.EYES) - rect.y)
    assert patch.mask is not None
    assert patch.mask[middle[1], middle[0]] == 255
    assert patch.mask[0].max() <= 8
    assert patch.y.std() > 5
    assert one(driver, avatar, heard(driver, 0)) is None
    driver.close()


def test_the_network_sees_the_face_and_its_hidden_half(avatar: Avatar, tmp_path: Path) -> None:
    driver = OnnxFace(wav2lip(tmp_path / "network"))
    driver.prepare(avatar)
    seen: list[tuple[F32, F32]] = []

    class Network:
        left_ms, right_ms = driver.spec.left_ms, driver.spec.right_ms

        def __call__(self, key: tuple[str, int], face: F32, hidden: F32, sound: I16) -> F32:
            assert key == ("talk", 4)
            seen.append((face.copy(), hidden))
            # What it was shown comes back where it was.
            return face

    driver._network = Network()
    (patch,) = driver.step(1, [drawn.shown(avatar, "talk", 4)], [heard(driver)])
    (face, hidden), = seen  # fmt: skip
    assert np.array_equal(hidden[:, :48], face[:, :48])
    assert (hidden[:, 48:] == 0).all()
    # The mouth, 0.78 below the eyes, in a square of 1.9 whose middle is 0.45 below them.
    row = round((0.78 - 0.45 + 0.95) / 1.9 * 96)
    assert face[:, row, 48].mean() < 0.5 * face[:, 20, 48].mean()
    base = avatar.clips["talk"].frame(4)
    assert patch is not None
    r = patch.rect
    under = base.y[r.y : r.bottom, r.x : r.right].astype(int)
    assert patch.mask is not None
    assert np.abs(patch.y.astype(int) - under)[patch.mask > 128].mean() < 6


def test_the_sound_of_the_window_is_the_ticks_own(tmp_path: Path) -> None:
    """Wav2Lip's window begins with the tick: 16 columns of 12.5 ms from there on."""
    folder = wav2lip(tmp_path / "network").parent
    driver = OnnxFace(folder)
    network = driver._network
    assert isinstance(network, lip_sync.Wav2Lip)
    got: list[F32] = []
    network._graph = lambda feeds, _: (got.append(feeds["mel"]), np.zeros((1, 3, 96, 96)))[1]  # type: ignore[assignment]
    sound = np.zeros((network.left_ms + 40 + network.right_ms) * 16, np.int16)
    click = network.left_ms * 16 + 5 * 200
    sound[click] = 20000
    zero = np.zeros((3, 96, 96), np.float32)
    network(("idle", 0), zero, zero, sound)
    loudness = got[0][0, 0].sum(0)
    assert loudness.argmax() == 5


def test_latents_of_a_frame_are_made_once(avatar: Avatar, tmp_path: Path) -> None:
    driver = OnnxFace(musetalk(tmp_path / "network"))
    driver.prepare(avatar)
    network = driver._network
    assert isinstance(network, lip_sync.MuseTalk)
    real, calls = network._encode, []

    def encode(*args: object) -> F32:
        calls.append(1)
        return real(*args)  # type: ignore[arg-type]

    network._encode = encode  # type: ignore[assignment]
    for frame in (0, 1, 0, 1):
        one(driver, avatar, heard(driver), frame)
    assert len(calls) == 4


def test_nan_throws_and_other_sizes_are_said(avatar: Avatar, tmp_path: Path) -> None:
    for kind, words in (("Log", "out gave NaN or infinities"), ("Cos", None)):
        folder = wav2lip(tmp_path / kind).parent
        inputs = {"mel": [1, 1, 80, 16], "video": [1, 6, 96, 96]}
        shape = [1, 3, 96, 96] if words else [1, 3, 48, 48]
        write_graph(folder / "model.onnx", inputs, "out", shape, kind)
        driver = OnnxFace(folder / "manifest.yaml")
        driver.prepare(avatar)
        with pytest.raises(FaceError, match=words or "gave float32 1x3x48x48; expected floating"):
            one(driver, avatar, heard(driver))


def test_what_is_too_slow_is_said(
    avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = OnnxFace(wav2lip(tmp_path / "network"))
    driver.prepare(avatar)
    driver.reset(1)
    now = [0.0]

    def later() -> float:
        now[0] += 0.05
        return now[0]

    monkeypatch.setattr(onnx_driver.time, "perf_counter", later)
    for _ in range(11):
        one(driver, avatar, heard(driver))
    with pytest.raises(FaceError, match=r"takes 50 ms a picture, of which there is one every 40"):
        one(driver, avatar, heard(driver))
    # And it is tried again.
    assert one(driver, avatar, heard(driver)) is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 64}, "the input video has the shape 1x6x96x96; the manifest's numbers make"),
        ({"audio": {"name": "sound"}}, r"found inputs mel .*expected sound, video and out"),
        ({"audio": {"name": "mel", "mel": {"columns": 8}}}, "the input mel has the shape 1x1x80x"),
        ({"kind": "musetalk"}, "audio.through: expected a graph, as kind is musetalk"),
        ({"kind": "something"}, "kind: Input should be 'wav2lip' or 'musetalk'"),
        ({"task": "alpha"}, "task: found alpha, expected lip-sync"),
        ({"size": 95}, "size: Input should be a multiple of 2"),
        ({"model": "none.onnx"}, r"none\.onnx is not there; put the ONNX file beside"),
        ({"model": "../model.onnx"}, "must be a path inside the manifest's own folder"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_manifests_that_do_not_fit(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(FaceError, match=words):
        OnnxFace(wav2lip(tmp_path / "network", **change))


def test_files_that_are_none(tmp_path: Path, avatar: Avatar) -> None:
    with pytest.raises(FaceError, match=r"manifest\.yaml"):
        OnnxFace(tmp_path / "manifest.yaml")
    path = wav2lip(tmp_path / "network")
    driver = OnnxFace(path)
    bare = Avatar(avatar.folder, avatar.manifest.model_copy(update={"faces": ""}), {}, {})
    with pytest.raises(FaceError, match="where its face is is not known"):
        driver.prepare(bare)
    (path.parent / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(FaceError, match="ONNX Runtime cannot load it"):
        OnnxFace(path)
