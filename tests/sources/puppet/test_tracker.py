"""Where the tracker looks, and what it does with what it is told; the network is a stand-in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from appliance.media.frame import Frame
from appliance.networks.manifest import InputSpec
from appliance.sources.puppet import landmarks as lm
from appliance.sources.puppet.tracker import PoseTracker, _crop
from tests.sources.puppet.scenes import noise_frame, pose_at

SIZE = 64


class Scripted:
    """A network that knows where somebody is: ``true``, a pose in the picture's pixels.

    It sees the crop through the tracker's own record of it, and answers rightly from crops of
    ``right`` times the picture's height; from smaller ones it takes the head for a body.
    """

    def __init__(self) -> None:
        self.manifest = SimpleNamespace(
            input=InputSpec(name="x", width=SIZE, height=SIZE), name="pose"
        )
        self.input = np.zeros((3, SIZE, SIZE), np.float32)
        self.true: np.ndarray | None = pose_at()
        self.wrong = False
        self.runs = 0
        self.square = (0.0, 0.0, 1.0)

    def infer(self) -> tuple[np.ndarray, float]:
        """Points in the crop's pixels."""
        self.runs += 1
        x, y, side = self.square
        points = np.zeros((39, 5), np.float32)
        points[:, 3:] = 9
        if self.true is None:
            return points, 0.01
        pose = self.true.copy()
        if side < 1.5 * 240:
            # The same figure, as large as the crop makes it.
            pose[:, :2] = (x, y) + (pose[:, :2] - pose[0, :2]) * side / 600
        if self.wrong:
            pose[:] = np.nan
        points[: lm.COUNT, :2] = (pose[:, :2] - (x - side / 2, y - side / 2)) * SIZE / side
        points[33, :2] = points[[23, 24], :2].mean(0)
        return points, 0.99


def made(monkeypatch: object) -> tuple[PoseTracker, Scripted]:
    network = Scripted()
    tracker = PoseTracker(network)  # type: ignore[arg-type]
    raw = tracker._raw

    def watched(frame: Frame, square: tuple[float, float, float]) -> object:
        network.square = square
        return raw(frame, square)

    monkeypatch.setattr(tracker, "_raw", watched)  # type: ignore[attr-defined]
    return tracker, network


def test_the_crop_is_the_part_that_it_says() -> None:
    """A square within the picture, at its own size, is the picture's own pixels."""
    frame = noise_frame()
    crop = _crop(frame, (160.0, 120.0, 64.0), 64)
    assert np.abs(crop[0] - frame.y[88:152, 128:192]).max() < 1e-3
    beyond = _crop(frame, (0.0, 0.0, 64.0), 64)
    assert np.abs(beyond[0, 32:, 32:] - frame.y[:32, :32]).max() < 1e-3
    assert (beyond[0, :32] == 16).all()
    assert (beyond[1:, :31] == 128).all()
    half = _crop(frame, (160.0, 120.0, 128.0), 64)
    exact = frame.y[56:184, 96:224].reshape(64, 2, 64, 2).mean((1, 3))
    assert np.abs(half[0] - exact).max() < 1.01


def test_the_crop_that_agrees_with_its_neighbours_is_chosen(monkeypatch: object) -> None:
    tracker, network = made(monkeypatch)
    pose = tracker(noise_frame())
    assert pose is not None
    assert np.abs(pose[:, :2] - network.true[:, :2]).max() < 0.1  # type: ignore[index]
    runs = network.runs
    for _ in range(5):
        tracker(noise_frame())
    assert network.runs == runs + 5, "then one look a picture"


def test_it_follows_and_grows_with_the_person(monkeypatch: object) -> None:
    tracker, network = made(monkeypatch)
    tracker(noise_frame())
    tracker(noise_frame())
    before = network.square
    for n in range(40):
        network.true = pose_at(160 + n, 110, 60 + n)
        pose = tracker(noise_frame())
        assert pose is not None
    assert network.square[0] > before[0] + 25
    assert 1.3 * before[2] < network.square[2] < 2 * before[2]


def test_the_crop_rests_while_the_person_does(monkeypatch: object) -> None:
    tracker, network = made(monkeypatch)
    tracker(noise_frame())
    tracker(noise_frame())
    before = network.square
    for n in range(20):
        network.true = pose_at(160 + (n % 3), 110, 60 + (n % 2))
        tracker(noise_frame())
    assert network.square == before


def test_nobody_is_not_looked_for_in_each_picture(monkeypatch: object) -> None:
    tracker, network = made(monkeypatch)
    network.true = None
    assert tracker(noise_frame()) is None
    runs = network.runs
    for _ in range(10):
        assert tracker(noise_frame()) is None
    assert network.runs == runs
    network.true = pose_at()
    assert any(tracker(noise_frame()) is not None for _ in range(10))


def test_numbers_that_are_none_are_nobody(monkeypatch: object) -> None:
    tracker, network = made(monkeypatch)
    tracker(noise_frame())
    network.wrong = True
    assert tracker(noise_frame()) is None
    network.wrong = False
    tracker.reset()
    assert tracker(noise_frame()) is not None


def test_a_cut_to_somebody_else_is_looked_for_anew(monkeypatch: object) -> None:
    tracker, network = made(monkeypatch)
    tracker(noise_frame())
    runs = network.runs
    network.true = pose_at(250, 80, 25)
    tracker(noise_frame())
    assert network.runs > runs + 5
