"""From keyed pictures to a clip that is cropped to the person."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import StorageError
from appliance.media.frame import Format
from appliance.tools.avatar.spool import Spool, bled

FORMAT = Format(200, 120, (25, 1))


def add(spool: Spool, x: int, y: int, luma: int, ticks: int = 1) -> None:
    alpha = np.zeros((120, 200), np.uint8)
    alpha[y : y + 21, x : x + 31] = 255
    picture = np.where(alpha > 0, luma, 16).astype(np.uint8)
    spool.add(picture, np.full((60, 100, 2), 90, np.uint8), alpha, ticks)


def test_all_frames_get_the_part_that_all_need(tmp_path: Path) -> None:
    with Spool(tmp_path, FORMAT) as spool:
        add(spool, 61, 51, 100)
        add(spool, 81, 41, 110, ticks=2)
        spool.add(*(np.zeros(s, np.uint8) for s in ((120, 200), (60, 100, 2), (120, 200))), 1)
        clip = spool.write(tmp_path / "a.clip", None)
    rect = clip.header.rect
    assert (clip.frames, spool.ticks) == (4, 4)
    assert 61 - 20 <= rect.x < 61 - 8
    assert 112 + 8 < rect.right <= 112 + 20
    for number, (x, y, luma) in enumerate([(61, 51, 100), (81, 41, 110), (81, 41, 110)]):
        frame = clip.frame(number)
        inner = np.s_[y - rect.y : y - rect.y + 21, x - rect.x : x - rect.x + 31]
        assert (frame.alpha[inner] == 255).all()
        assert frame.alpha.sum() == 21 * 31 * 255
        assert (frame.y[inner] == luma).all()
    assert clip.frame(3).alpha.max() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.clip"]


def test_colours_go_on_beyond_the_edge() -> None:
    alpha = np.zeros((40, 40), np.uint8)
    alpha[10:30, 10:30] = 255
    y = np.where(alpha > 0, 200, 16).astype(np.uint8)
    uv = np.full((20, 20, 2), 128, np.uint8)
    uv[5:15, 5:15] = (90, 160)
    out_y, out_uv = bled(y, uv, alpha)
    assert (out_y[5:35, 5:35] == 200).all()
    assert (out_uv[3:17, 3:17] == (90, 160)).all()
    assert (out_y[0].max(), out_y[-1].max(), out_uv[0, 0, 0]) == (16, 16, 128)


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Spool(tmp_path, FORMAT) as spool:

        class Full:
            def write(self, data: bytes) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

            def close(self) -> None: ...

        spool._file.close()
        monkeypatch.setattr(spool, "_file", Full())
        with pytest.raises(StorageError, match=r"No space left.*--into.*go on"):
            add(spool, 60, 50, 100)
