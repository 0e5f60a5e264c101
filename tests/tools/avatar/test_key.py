"""The person out of a clip's pictures: by the shipped network, and before a wall."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from appliance.config.settings import MattingSettings, SourceSettings
from appliance.errors import InputError
from appliance.media.frame import Format, Frame
from appliance.networks.base import Matting
from appliance.networks.choose import choose_network
from appliance.networks.on_gpu import OnGpu
from appliance.sources.file import FileSource
from appliance.tools.avatar import key
from appliance.tools.avatar.footage import Footage, FootagePart
from appliance.tools.avatar.key import AUTO, OFF, clip_keyer, keying_settings, wall_behind
from tests.studio import Studio


def test_a_wall_is_what_is_all_around_the_person() -> None:
    studio = Studio(wall=(60, 170, 40))
    alpha = (studio.alpha() * 255).astype(np.uint8)
    assert wall_behind(studio.frame(), alpha)
    grey = Studio(wall=(128, 128, 128))
    assert not wall_behind(grey.frame(), alpha)
    # A blue board at the side of a grey room fills much of it, and is no wall to key.
    frame = grey.frame()
    y, uv = frame.y.copy(), frame.uv.copy()
    board = np.s_[: frame.height // 2, frame.width * 3 // 4 // 2 :]
    uv[board] = (170, 100)
    assert not wall_behind(Frame(y, uv, frame.colour), alpha)


def test_settings_leave_the_person_as_they_are() -> None:
    for chroma, keys in ((AUTO, True), (OFF, False), ("#00b140", True)):
        settings = keying_settings("portrait", chroma)
        assert settings.keys is keys
        assert [one.what for one in settings.companions] == ["fill-straight"]


@pytest.fixture(scope="module")
def _portrait() -> Matting | OnGpu:
    return choose_network(MattingSettings())


@pytest.fixture
def _loaded_once(monkeypatch: pytest.MonkeyPatch, _portrait: Matting | OnGpu) -> None:
    monkeypatch.setattr(key, "choose_network", lambda settings: _portrait)


def first_pictures(path: Path, count: int) -> tuple[Format, FootagePart]:
    """The first pictures of a clip, without a look at all of it."""
    source = FileSource(SourceSettings(uri=str(path), pace="fast", loop=False), path)
    with closing(source):
        format = source.open(None)
    times = tuple(n * 1_000_000_000 * format.fps[1] // format.fps[0] for n in range(count))
    footage = Footage(format, times, times[-1] + 1)
    return format, FootagePart(path, footage, format, list(range(count)))


@pytest.mark.usefixtures("_loaded_once")
def test_the_first_picture_is_keyed_as_well_as_the_next(shared: Path) -> None:
    format, part = first_pictures(shared / "media/asl/please.mkv", 3)
    found, seen = [], []
    with clip_keyer("portrait", AUTO, format) as keyer:
        keyer.begin()
        for frame, _ in part.pictures(0):
            keyed = keyer(frame)
            assert keyed.trusted
            found.append(keyed.alpha.copy())
            seen.append(keyed.y.copy())
        assert not keyer.walled
    first, second, third = (one.astype(int) for one in found)
    assert first[240, 320] == 255
    assert first[:40, :200].max() == 0
    assert np.abs(second - first).mean() < 2 * np.abs(third - second).mean() + 0.1
    # Where nobody is, there is nothing of the room.
    assert seen[0][:40, :200].max() <= 16


@pytest.mark.usefixtures("_loaded_once")
def test_a_green_wall_is_keyed_by_its_colour(shared: Path) -> None:
    format, part = first_pictures(shared / "media/greenwall.mp4", 1)
    with clip_keyer("portrait", AUTO, format) as keyer:
        keyer.begin()
        ((alpha, walled),) = [(keyer(one).alpha, keyer.walled) for one, _ in part.pictures(0)]
    assert walled
    assert alpha[120, 160] == 255
    assert alpha[:40, :60].max() == 0


@pytest.mark.usefixtures("_loaded_once")
def test_a_wall_that_is_not_there_is_said(shared: Path) -> None:
    format, part = first_pictures(shared / "media/asl/please.mkv", 1)
    with clip_keyer("portrait", "#ff00ff", format) as keyer:
        keyer.begin()
        with pytest.raises(InputError, match=r"--chroma #ff00ff: NoWall: .* Give the wall's own"):
            [keyer(frame) for frame, _ in part.pictures(0)]
