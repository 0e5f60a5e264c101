"""A dissolve's weights, and the changes that are cuts so that nothing shows longer than it may."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.config.settings import Settings
from appliance.daemon.dissolve import Dissolve, why_cut
from appliance.media.frame import Frame

LEFT, RIGHT = "0,0 0.2,0 0.2,1 0,1", "0.8,0 1,0 1,0.4"


def flat(luma: int) -> Frame:
    return Frame(np.full((4, 6), luma, np.uint8), np.full((2, 3, 2), 128, np.uint8))


def shown(fade: Dissolve, luma: int) -> int:
    out = flat(luma)
    fade.mix(out)
    return int(out.y[0, 0])


@pytest.mark.parametrize("frames", [1, 2, 15, 600])
def test_every_frame_is_one_step_further(frames: int) -> None:
    fade = Dissolve()
    fade.begin(flat(40), frames)
    got = [shown(fade, 200) for _ in range(frames + 1)]
    exact = [40 + 160 * k / (frames + 1) for k in range(1, frames + 1)]
    assert np.abs(np.array(got[:-1]) - exact).max() <= 0.502
    assert got[-1] == 200
    assert not fade.active


def test_without_a_dissolve_nothing_is_touched() -> None:
    assert shown(Dissolve(), 77) == 77


def test_what_it_fades_from_is_a_copy() -> None:
    fade, before = Dissolve(), flat(40)
    fade.begin(before, 1)
    # The canvas is free again, and is composited into.
    before.y[:] = 250
    assert shown(fade, 40) == 40


def test_it_can_be_ended_and_begun_anew() -> None:
    fade = Dissolve()
    fade.begin(flat(0), 3)
    assert shown(fade, 200) == 50
    fade.end()
    assert shown(fade, 200) == 200
    fade.begin(flat(100), 1)
    assert shown(fade, 200) == 150


def settings(**sections: Any) -> Settings:
    return Settings.model_validate(sections)


def mattes(**keys: Any) -> dict[str, Any]:
    return {"stages": {"mattes": {"enabled": True} | keys}}


def blur(radius: float) -> dict[str, Any]:
    return {"background": {"uri": "blur://", "blur_radius": radius}}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (blur(0.03), {}, "shows the room, out of focus"),
        (blur(0.01), blur(0.1), "shows the room less out of focus"),
        (mattes(keep=LEFT), {}, "within stages.mattes.keep"),
        (mattes(keep=f"{LEFT}; {RIGHT}"), mattes(keep=RIGHT), "within stages.mattes.keep"),
        ({}, mattes(room=LEFT), "what stages.mattes.room hides"),
        (mattes(room=LEFT), mattes(room=f"{LEFT}; {RIGHT}"), "what stages.mattes.room hides"),
        ({"edge": {"choke": -8.0}}, {"edge": {"choke": -2.0}}, "a wider rim of the room"),
        ({"clean": {"keep": "all"}}, {}, "whom clean.keep leaves out"),
        ({}, {"clean": {"keep": "largest"}}, "whom clean.keep leaves out"),
        ({"stages": {"select": {"enabled": True}}}, {}, "what stages.select leaves out"),
    ],
)
def test_what_is_to_be_hidden_is_hidden_at_once(
    old: dict[str, Any], new: dict[str, Any], why: str
) -> None:
    said = why_cut(settings(**old), settings(**new))
    assert said is not None
    assert why in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"background": {"uri": "colour:#102030"}}),
        ({}, blur(0.03)),
        (blur(0.1), blur(0.01)),
        ({}, mattes(keep=LEFT)),
        (mattes(keep=LEFT), mattes(keep=f"{LEFT}; {RIGHT}")),
        (mattes(room=LEFT), {}),
        ({"edge": {"choke": 0.0}}, {"edge": {"choke": 4.0}}),
        ({"edge": {"choke": 2.0}}, {"edge": {"choke": -4.0}}),
        # Drawn, but not in use.
        ({"stages": {"mattes": {"keep": LEFT}}}, {}),
        ({}, {"stages": {"mattes": {"room": LEFT}}}),
        ({"clean": {"keep": "largest"}}, {"clean": {"keep": "all"}}),
        ({}, {"stages": {"frame": {"enabled": True}, "style": {"enabled": True}}}),
    ],
)
def test_what_shows_no_less_may_fade(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert why_cut(settings(**old), settings(**new)) is None
