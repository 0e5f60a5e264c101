"""The puppet with the published pose network and real pictures, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from appliance.errors import InputError
from appliance.media.frame import Colour, Frame
from appliance.media.rgb import rgb_to_nv12
from appliance.networks.pose import PoseNetwork, load_pose
from appliance.sources.puppet import landmarks as lm
from appliance.sources.puppet import track
from appliance.sources.puppet.tracker import PoseTracker
from appliance.tools.importers import pose as importer
from appliance.tools.importers.add import ImportOptions
from tests.sources.pictures import read_some, rgb, source_for

pytestmark = pytest.mark.shared

pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")


@pytest.fixture(scope="module")
def engines(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with the network; converted once."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STATE_DIRECTORY", str(folder))
        file = shared / "models" / "pose_landmark_lite.tflite"
        importer.add_pose(ImportOptions("pose", file), lambda _line: None)
    return folder


@pytest.fixture
def network(engines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PoseNetwork:
    monkeypatch.setenv("STATE_DIRECTORY", str(engines))
    monkeypatch.setattr(track.folders, "caches", lambda purpose: iter([tmp_path / "cache"]))
    return load_pose()


def frame_of(path: Path, size: tuple[int, int] | None = None) -> Frame:
    picture = Image.open(path).convert("RGB")
    if size is not None:
        picture = picture.resize(size)
    pixels = np.asarray(picture)
    return rgb_to_nv12(pixels, Colour())


@pytest.mark.parametrize("by", [0.25, 1.0, 2.0])
def test_shoulders_are_found_at_any_size(shared: Path, network: PoseNetwork, by: float) -> None:
    """The astronaut's: seen at a fifth and a quarter of the height, whatever the picture's size."""
    side = round(512 * by / 2) * 2
    frame = frame_of(shared / "media" / "stills" / "astronaut.png", (side, side))
    pose = PoseTracker(network)(frame)
    assert pose is not None
    at = pose[:, :2] / side
    assert np.abs(at[lm.NOSE] - (0.43, 0.23)).max() < 0.04
    assert 0.25 < at[lm.SHOULDERS[0], 0] - at[lm.SHOULDERS[1], 0] + 0.05 < 0.6
    assert (at[list(lm.SHOULDERS), 1] > 0.33).all()
    assert (at[list(lm.SHOULDERS), 1] < 0.55).all()


def test_portraits_do_not_become_small_bodies(shared: Path, network: PoseNetwork) -> None:
    """Of a close-up, shoulders lie below the mouth, and wider apart than ears."""
    folder = shared / "media" / "portraits"
    found = 0
    paths = sorted(folder.glob("*.jpg"))[:60:5]
    for path in paths:
        pose = PoseTracker(network)(frame_of(path))
        if pose is None:
            continue
        ears = np.hypot(*(pose[7, :2] - pose[8, :2]))
        shoulders = np.hypot(*(pose[11, :2] - pose[12, :2]))
        mouth = lm.middle(pose, lm.MOUTH)[1]
        found += int(shoulders > 1.2 * ears and lm.middle(pose, lm.SHOULDERS)[1] > mouth + ears / 4)
    assert found >= 0.8 * len(paths)


def test_nobody_is_found_where_nobody_is(shared: Path, network: PoseNetwork) -> None:
    paths = sorted((shared / "media" / "backgrounds").glob("*.jpg"))[::60]
    assert len(paths) > 5
    found = [p.name for p in paths if PoseTracker(network)(frame_of(p, (512, 384))) is not None]
    assert len(found) <= len(paths) // 4, found


def test_an_astronaut_moves_with_a_signer(
    shared: Path, network: PoseNetwork, tmp_path: Path
) -> None:
    still = shared / "media" / "stills" / "astronaut.png"
    clip = shared / "media" / "asl" / "hungry.mkv"
    made = source_for(f"puppet://{still}?drive={clip}")
    format = made.open(None)
    assert (format.width, format.height) == (512, 512)
    frames = read_some(made, 30)
    made.close()
    picture = np.asarray(Image.open(still).convert("RGB"), np.float64)
    first, later = rgb(frames[0]), rgb(frames[-1])
    # Far from her nothing changes: the flag's edge, the shuttle's tower.
    for place in (np.s_[:40, :40], np.s_[:200, 400:]):
        assert np.abs(first[place] - picture[place]).mean() < 6
        assert np.abs(later[place] - first[place]).max() == 0
    assert np.abs(later - first)[100:300, 150:350].mean() > 0.5


def test_a_still_without_a_person_is_said(shared: Path, network: PoseNetwork) -> None:
    still = sorted((shared / "media" / "backgrounds").glob("*.jpg"))[0]
    clip = shared / "media" / "asl" / "hungry.mkv"
    made = source_for(f"puppet://{still}?drive={clip}")
    with pytest.raises(InputError, match=r"the still of a puppet, .*(no person|nobody|cut out)"):
        made.open(None)
    made.close()


def test_an_upright_clip_drives_as_well(shared: Path, network: PoseNetwork, tmp_path: Path) -> None:
    """The same signer, filmed upright: the part around the person."""
    capture = cv2.VideoCapture(str(shared / "media" / "asl" / "hungry.mkv"))
    ok, picture = capture.read()
    capture.release()
    assert ok
    upright = np.ascontiguousarray(picture[:, 180:450, ::-1])
    pose = PoseTracker(network)(rgb_to_nv12(upright, Colour()))
    wide = PoseTracker(network)(rgb_to_nv12(np.ascontiguousarray(picture[..., ::-1]), Colour()))
    assert pose is not None
    assert wide is not None
    points = [*lm.SHOULDERS, *lm.EARS]
    assert np.abs(pose[points, :2] + (180, 0) - wide[points, :2]).max() < 20
