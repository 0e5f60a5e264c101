"""Edge: how far the matte's edge moves and how much softer it becomes, measured at full size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.media.frame import F32, U8, Rect
from appliance.pixels import cpu
from tests.scenes import flat

# Of 1920x1080 and 288x160, a part in which a grid pixel is as large.
WIDTH, HEIGHT, COLUMNS, ROWS = 960, 540, 144, 80
WHOLE = Rect(0, 0, WIDTH, HEIGHT)
CENTRE, RADIUS = (480, 260), 150.0

Y, X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
AWAY = np.hypot(X - CENTRE[0], Y - CENTRE[1])


def disc() -> F32:
    return np.clip(RADIUS - AWAY + 0.5, 0, 1)


def hair() -> F32:
    """A disc with soft strands around it, thinner than a grid pixel at their tips."""
    angle = np.arctan2(Y - CENTRE[1], X - CENTRE[0])
    strands = np.clip((np.cos(45 * angle) - 0.3) * 3, 0, 1) * np.clip(
        (RADIUS + 40 - AWAY) / 40, 0, 1
    )
    return np.maximum(np.clip(RADIUS - 10 - AWAY, 0, 1), 0.8 * strands).astype(np.float32)


def composited(
    true: F32, luma: tuple[int, int], choke: float, softness: float, *, refine: bool
) -> tuple[U8, U8]:
    """Matte and luma over a background of 60, as the pipeline makes them."""
    frame, out, matte = (
        flat(WIDTH, HEIGHT, 0),
        flat(WIDTH, HEIGHT, 0),
        np.zeros_like(AWAY, np.uint8),
    )
    noise = np.random.default_rng(0).normal(0, 1.5, true.shape)
    frame.y[:] = np.clip(true * luma[0] + (1 - true) * luma[1] + noise, 0, 255)
    planes = np.empty((3, ROWS, COLUMNS), np.float32)
    cpu.crop_planes(frame, WHOLE, planes)
    alpha = cv2.resize(true, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    coefficients, guide = np.zeros((5, ROWS, COLUMNS), np.float32), None
    if refine:
        cpu.guided_coefficients(planes[0], alpha, 1, 1e-3, coefficients[:2])
    else:
        coefficients[1] = alpha
    cpu.foreground_shift(planes, alpha, 4, coefficients[2:])
    if choke or softness:
        plan = cpu.edge_plan((ROWS, COLUMNS), WHOLE, choke, softness)
        coefficients, normals = cpu.shape_edge(planes[0], coefficients, plan, True)
        assert (normals is None) == (choke == 0)
        if normals is not None:
            guide = np.zeros_like(frame.y)
            cpu.edge_guide(frame.y, WHOLE, normals, choke, guide)
    cpu.Compositor()(
        frame, flat(WIDTH, HEIGHT, 60), cpu.Matte(WHOLE, coefficients, True, 0.05, guide), out,
        feather_fraction=0, matte_out=matte,
    )  # fmt: skip
    return matte, out.y


def radius_at(matte: U8, level: float) -> float:
    """How far from the centre alpha falls below ``level``, on average over all directions."""
    bins = (AWAY * 4).astype(int).ravel()
    profile = np.bincount(bins, matte.ravel() / 255) / np.maximum(np.bincount(bins), 1)
    near = np.arange(len(profile)) / 4 > 20
    return float(np.flatnonzero((profile >= level) & near).max()) / 4


@pytest.mark.parametrize("scene", [disc, hair])
@pytest.mark.parametrize("luma", [(190, 60), (140, 110)])
@pytest.mark.parametrize("refine", [True, False])
def test_choke_moves_the_edge_by_pixels_of_the_picture(
    scene: object, luma: tuple[int, int], refine: bool
) -> None:
    true = disc() if scene is disc else hair()
    before = radius_at(composited(true, luma, 0, 0, refine=refine)[0], 0.5)
    # Grown strands fill the gaps between them: how far that is, a disc alone can tell.
    for choke in (1, 4, 12, *([-4, -12] if scene is disc else [])):
        after = radius_at(composited(true, luma, choke, 0, refine=refine)[0], 0.5)
        assert before - after == pytest.approx(choke, abs=1)


@pytest.mark.parametrize(
    ("luma", "refine", "least", "most"),
    [((190, 60), True, 7, 16), ((140, 110), True, 6, 12), ((190, 60), False, 5, 9)],
)
def test_softness_widens_the_ramp_and_leaves_the_edge(
    luma: tuple[int, int], refine: bool, least: float, most: float
) -> None:
    def ramp(matte: U8) -> float:
        return radius_at(matte, 0.1) - radius_at(matte, 0.9)

    hard = composited(disc(), luma, 0, 0, refine=refine)[0]
    soft = composited(disc(), luma, 0, 8, refine=refine)[0]
    assert least <= ramp(soft) - ramp(hard) <= most
    assert radius_at(soft, 0.5) == pytest.approx(radius_at(hard, 0.5), abs=0.5)


def test_a_softened_edge_has_the_persons_colour() -> None:
    """Of a person as dark as the background, before a light room, no light rim is to be seen."""
    true = np.clip(RADIUS - AWAY + 0.5, 0, 1)
    matte, y = composited(true, (60, 190), 0, 8, refine=True)
    outside = (AWAY > RADIUS + 2) & (AWAY < RADIUS + 5)
    assert matte[outside].mean() > 40
    # The room's 190 at that alpha would be 60 + 130 * 40 / 255 = 80.
    assert y[outside].mean() < 70


def test_an_edge_at_the_pictures_border_stays() -> None:
    """A person whom the lower border cuts off is not shrunk there."""
    true = np.where(np.abs(X - CENTRE[0]) < 150, 1, 0).astype(np.float32)
    matte, _ = composited(true, (190, 60), 12, 0, refine=True)
    assert (matte[-1, 400:560] == 255).all()
    assert (matte[0, 400:560] == 255).all()
