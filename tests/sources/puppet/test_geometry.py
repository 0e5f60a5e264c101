"""What is known beforehand of a puppet: at rest it is the still, turned as a whole it is turned."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from appliance.sources.puppet import landmarks as lm
from appliance.sources.puppet.figure import make_figure
from appliance.sources.puppet.gesture import BODY, read_gesture, turns
from appliance.sources.puppet.layers import own_colours
from appliance.sources.puppet.plate import complete
from appliance.sources.puppet.skin import REST, applied, origins, vertices
from appliance.sources.puppet.stage import PuppetStage
from tests.sources.puppet.scenes import matte_of, noise_frame, pose_at, turned

POSE = pose_at()
ALPHA = matte_of(POSE)
STILL = noise_frame()


def staged(pose: np.ndarray = POSE, alpha: np.ndarray = ALPHA) -> PuppetStage:
    plate = complete(STILL, alpha)
    person = own_colours(STILL, plate, alpha)
    return PuppetStage(person, alpha, make_figure(pose, alpha), plate, STILL)


def test_the_drawn_person_is_free_in_all_limbs() -> None:
    figure = make_figure(POSE, ALPHA)
    assert figure.stands
    assert set(figure.limbs) == {"left arm", "right arm", "left leg", "right leg"}


@pytest.mark.parametrize("other", [POSE, pose_at(400, 300, 150), pose_at(50, 40, 20)])
def test_the_still_s_own_pose_is_pixel_exact(other: np.ndarray) -> None:
    """The driving person does what the still does, in a picture of any size."""
    stage = staged()
    gesture = read_gesture(stage.figure, other, other)
    assert set(gesture) == {BODY, *stage.figure.limbs}
    drawn = stage.draw(gesture)
    assert np.array_equal(drawn.y, STILL.y)
    assert np.array_equal(drawn.uv, STILL.uv)
    assert np.array_equal(stage.draw({}).y, STILL.y)


def test_the_still_needs_what_its_plate_lacks() -> None:
    """The pixel-exact test sees a difference where there is one."""
    stage = staged()
    assert not np.array_equal(stage.plate.y, STILL.y)
    moved = stage.draw({BODY: np.array([[0, 0], [0.1, 0], [0, 0], [0, 0], [0, 0], [0, 0.2]])})
    assert not np.array_equal(moved.y, STILL.y)


@pytest.mark.parametrize("degrees", [-20.0, 7.0, 30.0])
def test_a_turn_of_all_joints_is_that_turn_of_everything(degrees: float) -> None:
    figure = make_figure(POSE, ALPHA)
    hips = lm.middle(POSE, lm.HIPS)
    pose = turned(POSE, degrees, (float(hips[0]), float(hips[1])))
    goes = turns(figure, read_gesture(figure, pose, POSE))
    bones = {BODY: (figure.base, figure.chest, figure.head)}
    bones |= {name: limb.bones for name, limb in figure.limbs.items()}
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = vertices(320, 240)
    back = (points - hips) @ turn + hips  # by the transpose: the way back
    for name, one in goes.items():
        assert np.abs(origins(points, bones[name], one) - back).max() < 0.02, name


def test_a_turn_as_drawn_is_an_affine_warp() -> None:
    stage = staged()
    hips = lm.middle(POSE, lm.HIPS).astype(float)
    degrees = 10.0
    pose = turned(POSE, degrees, (hips[0], hips[1]))
    drawn = stage.draw(read_gesture(stage.figure, pose, POSE))
    affine = cv2.getRotationMatrix2D((hips[0], hips[1]), -degrees, 1.0)
    size = (STILL.width, STILL.height)
    expected = cv2.warpAffine(STILL.y, affine, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(cv2.erode(ALPHA, np.ones((5, 5), np.uint8)), affine, size) == 255
    assert inside.sum() > 1000
    # But for the soft seams between limbs and body.
    off = np.abs(drawn.y[inside].astype(int) - expected[inside])
    assert np.quantile(off, 0.95) <= 1
    assert off.mean() < 0.5


def test_lengths_are_the_still_s_own() -> None:
    """A driving person with arms twice as long, raised: the puppet's keep their length."""
    figure = make_figure(POSE, ALPHA)
    pose = POSE.copy()
    for joints in ((11, 13, 15, 19), (12, 14, 16, 20)):
        for n, joint in enumerate(joints[1:], 1):
            pose[joint, :2] = pose[joints[0], :2] + (0, -60 * n)
    goes = turns(figure, read_gesture(figure, pose, POSE))
    for name in ("left arm", "right arm"):
        for bone, turn in zip(figure.limbs[name].bones, goes[name], strict=True):
            way = applied(turn, bone.end) - applied(turn, bone.start)
            assert np.linalg.norm(way) == pytest.approx(np.linalg.norm(bone.end - bone.start))
            assert way[1] < 0
            assert abs(way[0]) < 1e-3


def test_a_bone_towards_the_camera_is_shorter() -> None:
    figure = make_figure(POSE, ALPHA)
    pose = POSE.copy()
    pose[15, 2] = -float(np.linalg.norm(pose[15, :2] - pose[13, :2]))  # 45 degrees forward
    goes = turns(figure, read_gesture(figure, pose, POSE))["left arm"]
    bone = figure.limbs["left arm"].bones[1]
    way = applied(goes[1], bone.end) - applied(goes[1], bone.start)
    ratio = float(np.linalg.norm(way) / np.linalg.norm(bone.end - bone.start))
    assert ratio == pytest.approx(np.sqrt(0.5), abs=1e-3)


def test_bones_hang_together() -> None:
    figure = make_figure(POSE, ALPHA)
    rng = np.random.default_rng(3)
    pose = POSE.copy()
    pose[:, :3] += rng.normal(0, 12, (lm.COUNT, 3)).astype(np.float32)
    goes = turns(figure, read_gesture(figure, pose, POSE))
    for name, limb in figure.limbs.items():
        carrier = goes[BODY][0 if "leg" in name else 1]
        ends = [applied(carrier, limb.bones[0].start)]
        for bone, turn in zip(limb.bones, goes[name], strict=True):
            assert np.allclose(applied(turn, bone.start), ends[-1])
            ends.append(applied(turn, bone.end))


def test_a_limb_that_is_not_whole_stays_with_the_body() -> None:
    hidden = POSE.copy()
    hidden[15, 3] = 0.1
    assert "left arm" not in make_figure(hidden, ALPHA).limbs
    beyond = POSE.copy()
    beyond[16, 1] = 500
    assert "right arm" not in make_figure(beyond, ALPHA).limbs


def test_crossed_arms_stay_crossed() -> None:
    """One hides the other: neither is there to be moved."""
    pose = POSE.copy()
    pose[13, :2], pose[15, :2], pose[19, :2] = (200, 145), (165, 150), (150, 150)
    pose[14, :2], pose[16, :2], pose[20, :2] = (120, 145), (155, 152), (170, 152)
    alpha = matte_of(pose)
    assert set(make_figure(pose, alpha).limbs) == {"left leg", "right leg"}
    pose[16, :2], pose[20, :2] = (70, 152), (58, 152)
    assert "left arm" in make_figure(pose, matte_of(pose)).limbs


def test_a_portrait_stands_on_its_edge() -> None:
    """Hips and legs are out of the picture: what is at the lower edge stays there."""
    pose = pose_at(160, 150, 130)
    alpha = matte_of(pose)
    figure = make_figure(pose, alpha)
    assert not figure.stands
    assert not figure.limbs
    stage = staged(pose, alpha)
    moved = pose.copy()
    moved[:, 0] += 30
    goes = turns(figure, read_gesture(figure, moved, pose))[BODY]
    assert goes[0] is REST
    at = origins(vertices(320, 240), (figure.base, figure.chest, figure.head), goes)
    away = np.abs(at - vertices(320, 240)).max(axis=2)
    assert away[-1].max() < 6
    assert away[: len(away) // 2].max() > 20
    assert stage.draw(read_gesture(figure, moved, pose)).y.shape == STILL.y.shape


def test_who_is_cut_off_below_stays_on_the_edge() -> None:
    """Whatever the network says of hips and knees: no torso floats."""
    alpha = ALPHA.copy()
    alpha[200:, 130:190] = 255
    figure = make_figure(POSE, alpha)
    assert not figure.stands
    assert figure.base.start[1] == figure.base.end[1] == 239
    assert set(figure.limbs) == {"left arm", "right arm"}


def test_absurd_poses_do_not_tear_anything() -> None:
    stage = staged()
    rng = np.random.default_rng(5)
    for scale in (0.0, 1e-6, 1e3, 1e6):
        pose = (rng.normal(0, 1, (lm.COUNT, 4)) * scale).astype(np.float32)
        pose[:, 3] = 1
        gesture = read_gesture(stage.figure, pose, POSE)
        assert all(np.isfinite(numbers).all() for numbers in gesture.values())
        stage.draw(gesture)
        read_gesture(stage.figure, POSE, pose)


def test_behind_is_behind() -> None:
    """An arm laid across the body is seen, or is not."""
    stage = staged()
    pose = POSE.copy()
    pose[13, :2], pose[15, :2], pose[19, :2] = (175, 150), (145, 150), (135, 150)
    gesture = read_gesture(stage.figure, pose, POSE)
    front = stage.draw(gesture)
    back = stage.draw(gesture, frozenset({"left arm"}))
    assert np.abs(front.y[145:155, 150:170].astype(int) - back.y[145:155, 150:170]).max() > 10
