"""The choice of an encoder, and what each is told."""

from __future__ import annotations

import re

import pytest
from structlog.testing import capture_logs

from appliance.errors import InputError, MissingDependency
from appliance.media.frame import Format
from appliance.outputs import encoder_trial, encoders
from appliance.outputs.encoders import ENCODERS, SOFTWARE, Encoder, Rate, Wanted
from tests.outputs.conftest import FORMAT

HD = Format(1920, 1080, (30, 1))
BY_NAME = {item.name: item for item in ENCODERS}


def have(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A registry with these encoders."""
    monkeypatch.setattr(encoders, "available", lambda: [n for n in BY_NAME if n in names])


def test_hardware_comes_before_software(monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, "x264enc", "vah264enc", "openh264enc")
    assert encoders.choose().name == "vah264enc"
    assert encoders.choose("x264enc").name == "x264enc"


def test_an_unknown_encoder_is_the_users_mistake() -> None:
    with pytest.raises(InputError, match="found 'x265enc', expected auto or one of nvv4l2h264enc"):
        encoders.choose("x265enc")


def test_an_encoder_that_is_not_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, "x264enc")
    with pytest.raises(MissingDependency, match="nvh264enc is not in GStreamer's registry"):
        encoders.choose("nvh264enc")


def test_no_encoder_at_all_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch)
    with pytest.raises(MissingDependency, match=r"apt install gstreamer1\.0-plugins-ugly"):
        encoders.choose()


@pytest.mark.parametrize(
    ("format", "kbps"),
    [
        (HD, 8000),
        (Format(1280, 720, (30, 1)), 4354),
        (Format(1920, 1080, (60, 1)), 13454),
        (Format(3840, 2160, (30, 1)), 22627),
        (Format(64, 64, (1, 1)), 500),
        (Format(8192, 8192, (240, 1)), 100_000),
    ],
)
def test_the_bit_rate_grows_with_the_picture(format: Format, kbps: int) -> None:
    assert Wanted().rate(format).kbps == kbps


def test_what_the_operator_asks_for_wins() -> None:
    assert Wanted(bitrate_kbps=1234, keyframe_s=0.5).rate(HD) == Rate(1234, 15)
    assert Wanted(keyframe_s=0.1).rate(Format(64, 64, (2, 1))).keyframe == 1


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda item: item.name)
def test_bit_rate_and_key_frames_are_in_the_encoders_own_units(encoder: Encoder) -> None:
    properties = encoder.properties(HD, Rate(6000, 60))
    text = " ".join(f"{key}={value}" for key, value in properties.items())
    assert re.search(r"\b(6000|6000000)\b", text)
    assert re.search(r"=60\b", text)
    bits = encoder.name in ("nvv4l2h264enc", "v4l2h264enc", "openh264enc")
    assert ("6000000" in text) is bits


def test_no_encoder_reorders_frames() -> None:
    for encoder in ENCODERS:
        for key, value in encoder.properties(HD, Rate(6000, 60)).items():
            if "frames" in key.lower() and key.lower().startswith(("b", "max-b", "num-b")):
                assert value == 0, (encoder.name, key)


def test_properties_that_this_version_lacks_are_left_out() -> None:
    item = Encoder("x264enc", lambda format, rate: {"bitrate": rate.kbps, "no-such-thing": 1})
    line = encoders.launch(item, HD, Rate(6000, 60))
    assert "bitrate=6000" in line
    assert "no-such-thing" not in line


def test_values_that_this_version_does_not_know_are_left_out() -> None:
    """One would be enough for GStreamer to refuse the whole line."""
    item = Encoder("x264enc", lambda *_: {"speed-preset": "p3", "tune": "zerolatency"})
    line = encoders.launch(item, HD, Rate(6000, 60))
    assert "tune=zerolatency" in line
    assert "speed-preset" not in line


# Elements that stand for encoders of a GPU that fail as those do: at the first picture, when no
# session is left; at the caps, when the picture is too large; silently; never ending.
FAILING = {
    "no session left": (Encoder("identity", lambda *_: {"error-after": 1}), "Failed after"),
    "a size it does not take": (
        Encoder("x264enc", lambda *_: {}, before="identity ! video/x-raw,width=16 !"),
        "could not link",
    ),
    "nothing comes out": (
        Encoder("identity", lambda *_: {"drop-probability": 1.0}), "nothing came out",
    ),
    "it never ends": (
        Encoder("identity", lambda *_: {"sleep-time": 300_000}),
        "no end of two pictures within|took longer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", FAILING)
def test_hardware_that_fails_at_its_first_picture_gives_way_to_x264(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_trial, "TRIAL_S", 0.5 if how == "it never ends" else 30)
    failing, words = FAILING[how]
    with capture_logs() as logs:
        assert encoders.startable(failing, FORMAT, Rate(500, 30)).name == SOFTWARE
    assert logs[0]["failed"] == failing.name
    assert re.search(words, logs[0]["reason"]), logs[0]["reason"]


def test_hardware_that_works_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_trial, "TRIAL_S", 30)
    works = Encoder("x264enc", BY_NAME[SOFTWARE].properties, hardware=True)
    with capture_logs() as logs:
        assert encoders.startable(works, FORMAT, Rate(500, 30)) is works
    assert logs == []


@pytest.mark.parametrize("name", ["nvcudah264enc", "nvh264enc"])
def test_nvidias_encoders_take_nv12_from_system_memory(name: str) -> None:
    """No upload before them: their sinks take both, and copy faster than an element more."""
    encoder = BY_NAME[name]
    assert (encoder.before, encoder.after, encoder.hardware) == ("", "", True)
    told = encoder.properties(HD, Rate(6000, 60))
    assert (told["bitrate"], told["gop-size"], told["b-frames"]) == (6000, 60, 0)
    assert told["tune"] == "ultra-low-latency"


def test_the_order_on_a_jetson_and_on_a_pc(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, taken in (
        (("nvv4l2h264enc", "nvh264enc", "x264enc"), "nvv4l2h264enc"),
        (("x264enc", "nvh264enc", "nvcudah264enc"), "nvcudah264enc"),
        (("vah264enc", "nvh264enc", "x264enc"), "nvh264enc"),
    ):
        have(monkeypatch, *there)
        assert encoders.choose().name == taken


def test_a_large_picture_gets_more_threads() -> None:
    def threads(format: Format) -> int:
        return int(BY_NAME[SOFTWARE].properties(format, Rate(1, 1))["threads"])

    assert threads(Format(1280, 720, (60, 1))) == 1
    assert threads(Format(1920, 1080, (60, 1))) == 1
    assert threads(Format(3840, 2160, (60, 1))) == 3


def test_hardware_that_does_not_open_gives_way_to_x264() -> None:
    # v4l2src stands for an encoder whose device node is not there.
    dead = Encoder("v4l2src", lambda format, rate: {"device": "/dev/no-such-device"})
    assert encoders.startable(dead, FORMAT, Rate(500, 30)).name == SOFTWARE
    dead = Encoder("no-such-element", lambda format, rate: {})
    assert encoders.startable(dead, FORMAT, Rate(500, 30)).name == SOFTWARE


def test_software_that_does_not_open_is_an_error() -> None:
    dead = Encoder(
        "v4l2src", lambda format, rate: {"device": "/dev/no-such-device"}, hardware=False
    )
    with pytest.raises(MissingDependency, match="v4l2src cannot be opened"):
        encoders.startable(dead, FORMAT, Rate(500, 30))
