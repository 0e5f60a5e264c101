from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import FaceError
from appliance.faces.base import Patch
from appliance.faces.paste import paste_patch
from appliance.media.frame import Rect, blank
from appliance.pixels import cpu
from tests.pixels.frames import noise


def test_it_is_the_products_own_paste() -> None:
    canvas, same, over = noise(64, 48, 1), noise(64, 48, 1), noise(20, 12, 2)
    mask = np.random.default_rng(3).integers(0, 256, (12, 20), np.uint8)
    paste_patch(canvas, Patch(Rect(11, 7, 20, 12), over.y, over.uv, mask), 3)
    cpu.paste_nv12(same, over, 11, 7, 3, mask)
    assert np.array_equal(canvas.y, same.y)
    assert np.array_equal(canvas.uv, same.uv)


@pytest.mark.parametrize(
    "patch",
    [
        Patch(Rect(0, 0, 8, 8), np.zeros((8, 6), np.uint8), np.zeros((4, 4, 2), np.uint8)),
        Patch(Rect(0, 0, 8, 8), np.zeros((8, 8), np.uint8), np.zeros((4, 3, 2), np.uint8)),
        Patch(Rect(0, 0, 0, 0), np.zeros((0, 0), np.uint8), np.zeros((0, 0, 2), np.uint8)),
        Patch(
            Rect(0, 0, 8, 8), np.zeros((8, 8), np.uint8), np.zeros((4, 4, 2), np.uint8),
            np.zeros((4, 4), np.uint8),
        ),
    ],
)  # fmt: skip
def test_planes_that_do_not_fit_are_refused(patch: Patch) -> None:
    with pytest.raises(FaceError, match="a face driver gave planes"):
        paste_patch(blank(64, 48), patch)
