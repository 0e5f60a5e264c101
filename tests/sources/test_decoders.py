"""Hardware decoders: which is chosen, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.errors import InputError
from appliance.media.frame import Format
from appliance.media.gst import GLib, GObject, Gst
from appliance.sources import conform as conform_module
from appliance.sources import decoders
from appliance.sources.conform import conform
from appliance.sources.decoders import DecoderFailed, hardware, leave_out
from tests.conftest import ClipFactory
from tests.sources.pictures import read_some, source_for

NAME = "mattebox_broken_nvdec"


class BrokenNvdec(Gst.Element):  # type: ignore[misc]
    """A decoder like NVDEC with a mismatched driver version: it fails at the first picture."""

    __gstmetadata__ = ("A broken decoder", "Codec/Decoder/Video/Hardware", "Fails", "the tests")
    __gsttemplates__ = (
        Gst.PadTemplate.new(
            "sink", Gst.PadDirection.SINK, Gst.PadPresence.ALWAYS,
            Gst.Caps.from_string("video/x-h264"),
        ),
        Gst.PadTemplate.new(
            "src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS,
            Gst.Caps.from_string("video/x-raw(memory:CUDAMemory),format=NV12"),
        ),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        sink = Gst.Pad.new_from_template(self.get_pad_template("sink"), "sink")
        sink.set_chain_function_full(self.chain, None)
        self.add_pad(sink)
        self.add_pad(Gst.Pad.new_from_template(self.get_pad_template("src"), "src"))

    def chain(self, *_: Any) -> Any:
        """Take a picture: the driver refuses."""
        error = GLib.Error.new_literal(
            Gst.stream_error_quark(), "CUVID failed", Gst.StreamError.DECODE
        )
        self.post_message(Gst.Message.new_error(self, error, "cuvidCreateDecoder: 801"))
        return Gst.FlowReturn.ERROR


@pytest.fixture
def broken() -> Iterator[Any]:
    """The broken decoder in the registry, ahead of all others."""
    if Gst.ElementFactory.find(NAME) is None:
        GObject.type_register(BrokenNvdec)
        assert Gst.Element.register(None, NAME, Gst.Rank.NONE, BrokenNvdec)
    factory = Gst.ElementFactory.find(NAME)
    factory.set_rank(Gst.Rank.PRIMARY + 500)
    yield factory
    factory.set_rank(Gst.Rank.NONE)


def test_the_best_comes_first(broken: Any) -> None:
    assert hardware()[0] == NAME
    broken.set_rank(Gst.Rank.NONE)
    assert NAME not in hardware()
    assert "avdec_h264" not in hardware()


def test_a_hardware_decoder_that_fails_gives_way_to_software(
    clip: ClipFactory, broken: Any
) -> None:
    source = source_for(clip(320, 240, frames=5), loop=False)
    try:
        with capture_logs() as logs:
            format = source.open(None)
        assert (format.width, format.height) == (320, 240)
        assert len(read_some(source, 5)) == 5
    finally:
        source.close()
    assert logs[0]["event"].startswith("a hardware decoder failed; it is left out")
    assert logs[0]["decoder"] == NAME
    assert "CUVID failed" in logs[1]["reason"]
    assert broken.get_rank() == Gst.Rank.NONE
    # And it is not tried again by any source.
    source = source_for(clip(320, 240, frames=5))
    with capture_logs() as logs:
        source.open(None)
    source.close()
    assert logs == []


def test_one_that_fails_again_and_again_ends(
    clip: ClipFactory, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If leaving it out does not help: no endless loop."""
    monkeypatch.setattr(decoders.log, "warning", lambda *_, **__: None)
    monkeypatch.setattr(decoders, "is_hardware", lambda factory: factory.get_name() == NAME)
    monkeypatch.setattr(Gst.Rank, "NONE", Gst.Rank.PRIMARY + 500, raising=False)
    source = source_for(clip(320, 240, frames=5))
    with pytest.raises(DecoderFailed, match="CUVID failed"):
        source.open(None)
    source.close()


def test_errors_of_others_are_not_the_decoders(broken: Any) -> None:
    assert leave_out(Gst.ElementFactory.make("identity", None)) is None
    assert leave_out(Gst.ElementFactory.make("avdec_h264", None)) is None
    assert leave_out(Gst.Bus()) is None
    assert broken.get_rank() > Gst.Rank.NONE


@pytest.mark.parametrize(
    ("name", "klass", "hard"),
    [
        ("nvh264dec", "Codec/Decoder/Video/Hardware", True),
        ("nvv4l2decoder", "Codec/Decoder/Video", True),
        ("avdec_h264", "Codec/Decoder/Video", False),
        ("nvh264enc", "Codec/Encoder/Video/Hardware", False),
    ],
)
def test_what_is_a_hardware_decoder(name: str, klass: str, hard: bool) -> None:
    factory = SimpleNamespace(get_name=lambda: name, get_metadata=lambda key: klass)
    assert decoders.is_hardware(factory) is hard


def test_a_broken_file_is_still_the_files_fault(clip: ClipFactory, tmp_path: Any) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(clip(320, 240, frames=5).read_bytes()[:200])
    with pytest.raises(InputError):
        source_for(path).open(None)


@pytest.mark.parametrize(
    ("feature", "download"),
    [
        ("memory:CUDAMemory", "cudadownload"),
        ("memory:NVMM", "nvvidconv"),
        ("memory:VAMemory", "vapostproc"),
    ],
)
def test_pictures_on_the_gpu_are_brought_down_first(
    monkeypatch: pytest.MonkeyPatch, feature: str, download: str
) -> None:
    """With stand-ins for elements that exist only on a machine with such a GPU."""
    made: list[str] = []

    def make(factory: str, **properties: Any) -> Any:
        made.append(factory)
        if Gst.ElementFactory.find(factory) is None:
            return Gst.ElementFactory.make("identity", None)
        return original(factory, **properties)

    original = conform_module.make
    monkeypatch.setattr(conform_module, "make", make)
    caps = Gst.Caps.from_string(
        f"video/x-raw({feature}),format=NV12,width=1920,height=1080,framerate=30/1,"
        "colorimetry=bt709"
    )
    chain = conform(caps, None, None, "a clip")
    assert chain.format == Format(1920, 1080, (30, 1))
    assert made[0] == download
    after = chain.elements[1].get_property("caps").to_string()
    assert after == "video/x-raw", "and from then on lie in the CPU's memory"
