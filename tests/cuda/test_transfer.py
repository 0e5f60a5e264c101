"""Rings of pinned or mapped memory, on the stand-in for pycuda: what comes out, and when."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.cuda.transfer import Download, Upload
from appliance.media.frame import Format
from appliance.pixels.gpu import composite
from tests.kernels import driver
from tests.kernels.memory import Memory
from tests.pixels.frames import noise

FORMAT = Format(66, 38)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("depth", [2, 3])
def test_frames_go_there_and_come_back(memory: Memory, mapped: bool, depth: int) -> None:
    upload = Upload(memory.context, FORMAT, depth, mapped=mapped)
    download = Download(memory.context, FORMAT, depth, mapped=mapped)
    before = driver.log.allocations
    with pytest.raises(RuntimeError, match="none has been sent"):
        download.take()
    for k in range(7):
        frame = noise(66, 38, k, pad=k)
        surface = upload.put(frame)
        # Without a matte the composite is a copy of its background.
        composite(memory.context, surface, surface, None, download.target)
        download.send()
        if k == 0:
            continue
        out = download.take()
        want = noise(66, 38, k - 1)
        assert np.array_equal(out.y, noise(66, 38, k - 1, pad=k - 1).y)
        assert out.rect == want.rect
    assert driver.log.allocations == before, "nothing is taken while running"


def test_what_does_not_fit_is_refused(memory: Memory) -> None:
    upload = Upload(memory.context, FORMAT)
    with pytest.raises(ValueError, match="a frame of 64x38, expected 66x38"):
        upload.put(noise(64, 38, 1))
    with pytest.raises(ValueError, match="expected at least 2"):
        Upload(memory.context, FORMAT, 1)


def test_a_full_ring_says_so(memory: Memory) -> None:
    download = Download(memory.context, FORMAT, 2)
    for _ in range(2):
        download.send()
    with pytest.raises(RuntimeError, match="take one first"):
        _ = download.target
    assert download.take().rect == FORMAT.rect
    assert download.target.width == 66
