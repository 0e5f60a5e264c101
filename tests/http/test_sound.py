"""The sound over HTTP: told, set, kept; never where it comes from."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.http.serving import Served, as_json, problem
from tests.http.test_health import figures


def patch(appliance: Served, **body: Any) -> Any:
    return appliance.client.patch("/api/sound", json=body)


def test_a_source_without_sound_says_that_there_is_silence(appliance: Served) -> None:
    told = as_json(appliance.client.get("/api/sound"))
    assert (told["uri"], told["state"]) == ("source", "none")
    assert told["words"] == "Silence: the source has no sound."
    assert told["missing_s"] == told["late_s"] == told["cuts"] == told["clipped"] == 0
    assert told["level_db"] == told["peak_db"] == -100
    assert as_json(appliance.client.get("/api/status"))["sound"]["state"] == "none"
    now = figures(appliance)
    assert now[("mattebox_sound_state", (("state", "none"),))] == 1
    assert now[("mattebox_sound_state", (("state", "live"),))] == 0
    assert now[("mattebox_sound_missing_seconds_total", ())] == 0
    assert now[("mattebox_sound_level_dbfs", ())] == -100
    assert now[("mattebox_output_sound_lost_seconds_total", (("output", "0"),))] == 0


def test_it_is_set_kept_and_back(appliance: Served) -> None:
    before = appliance.path.read_text()
    feeder = appliance.daemon.feeder
    told = as_json(patch(appliance, volume=-6.5, delay_ms=40, with_placeholder="mute"))
    assert (told["volume"], told["delay_ms"], told["mute"]) == (-6.5, 40, False)
    assert appliance.path.read_text() == before
    assert as_json(patch(appliance, mute=True, keep=True))["mute"] is True
    kept = yaml.safe_load(appliance.path.read_text())
    assert kept.pop("sound") == {
        "volume": -6.5, "mute": True, "delay_ms": 40, "with_placeholder": "mute",
    }  # fmt: skip
    assert kept == yaml.safe_load(before)
    assert appliance.daemon.feeder is feeder, "the picture goes on"
    as_json(patch(appliance, volume=0, mute=False, delay_ms=0, with_placeholder="keep"))
    appliance.path.write_text(before)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"volume": 21}, "volume: found 21"),
        ({"volume": "loud"}, "volume: found 'loud'"),
        ({"delay_ms": -1}, "delay_ms: found -1"),
        ({"delay_ms": 2001}, "delay_ms: found 2001"),
        ({"with_placeholder": "louder"}, "with_placeholder: found 'louder'"),
        ({"source": "alsa://hw:0"}, "source: unknown key"),
        ({"sound": "pulse://"}, "sound: unknown key"),
    ],
)
def test_what_cannot_be_changes_nothing(appliance: Served, body: Any, words: str) -> None:
    before = appliance.daemon.settings
    assert words in problem(patch(appliance, **body), 422)
    assert appliance.daemon.settings == before
