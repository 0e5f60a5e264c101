"""What all GStreamer sources share: a pipeline that is watched, pulled from, and always released.

    the source's own elements ! decodebin ! what ``conform`` finds needed ! appsink

There is no main loop: the reader also polls the bus.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import structlog

from appliance.config.settings import SourceSettings
from appliance.errors import EndOfStream, InputError, MatteboxError, SourceError
from appliance.media.audio import AudioBlock
from appliance.media.clock import NO_TIME
from appliance.media.frame import Format, Frame
from appliance.media.gst import Gst, GstApp, error_text, first_structure, frame_of
from appliance.sources.audio import AudioBranch, Heard
from appliance.sources.caps_fixes import trust_the_stream
from appliance.sources.choice import StreamChoice
from appliance.sources.conform import conform
from appliance.sources.decoders import DecoderFailed, leave_out
from appliance.sources.elements import chain, make
from appliance.sources.jpeg_check import JPEG_DECODERS, JpegCheck
from appliance.sources.key_frames import PARSERS, KeyFrameGate
from appliance.sources.planes import format_name
from appliance.sources.transparent import ALPHA_FORMAT, on_black
from appliance.sources.wide import WIDE_FORMAT, ToSdr
from appliance.system import memory
from appliance.system.redact import redact

log = structlog.get_logger(__name__)

# How long a picture of a file waits for its sound; and its end, which holds up nothing else.
_SOUND_S, _LAST_SOUND_S = 0.5, 5.0
# How long to wait at the appsink before polling the bus again.
_GLANCE = 20 * Gst.MSECOND
_CLOSE_WITHIN = 1.5
# How far apart a camera's key frames may be; and for how long nothing may come meanwhile.
_KEY_FRAME_S, _LULL_S = 20.0, 1.0
# Hardware decoders that may fail, one after the other, before the last try.
_DECODERS_TRIED = 4


class _NoneMarked(SourceError):
    """No stream is marked as the default: reopening takes the first."""


class _NothingRecovers(SourceError):
    """A decoder that waits for a point to recover at found none: reopening has it show all."""


class GstSource:
    """A source made of a GStreamer pipeline. Subclasses build its head and word its errors.

    Attributes:
        live: True for what cannot wait.
        name: what logs and errors call it; holds no password.
    """

    live = True
    paced = False
    # Crop a picture of another shape, rather than add bars.
    fill = False
    # Pictures the appsink may hold: enough to ride out a late reader, few enough to stay fresh.
    buffers = 2
    # Threads of a software decoder; each one delays frames by a picture (frame threading).
    decoder_threads = 1

    def __init__(self, settings: SourceSettings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.frames = 0
        self.format: Format | None = None
        self.decoder: Gst.Element | None = None
        self._pipeline: Gst.Pipeline | None = None
        self._sink: GstApp.AppSink | None = None
        self._want: Format | None = None
        # FFmpeg's demuxers, as GStreamer wraps them, claim that they can seek and then fall silent.
        self.winds_back = True
        self._first: Gst.Sample | None = None
        self._failure: Exception | None = None
        self._missing = ""
        self._demuxers: list[Gst.Element] = []
        self._choice: StreamChoice | None = None
        self._any_stream = False
        self._show_all = self._withholds = False
        self._gate = KeyFrameGate(name)
        self._linking = threading.Lock()
        # Set when end of stream reaches the appsink, whose last pictures may still be unread.
        self._ended = threading.Event()
        self._to_sdr = ToSdr(name)
        self._heard = Heard()
        self._branch: AudioBranch | None = None
        self._patient = True
        # The round of a loop that the newest picture read belongs to, its time in the stream, and
        # how long it is shown.
        self._round, self._newest, self._lasts = 0, NO_TIME, 0

    # What a subclass provides.

    def head(self, pipeline: Gst.Pipeline) -> None:
        """Add the elements before ``self.decoder`` to ``pipeline`` and link them to it."""
        raise NotImplementedError

    def failed(self, message: Gst.Message) -> MatteboxError:
        """The exception for an error message from the bus."""
        return SourceError(f"{self.name}: {redact(error_text(message))}{self._missing}")

    # The contract (sources/base.py).

    def open(self, want: Format | None) -> Format:
        """See ``Source.open``. Waits ``timeout_s`` for the first picture."""
        for _ in range(_DECODERS_TRIED):
            try:
                return self._open(want)
            except DecoderFailed as error:
                log.info("a source is opened anew with another decoder", reason=str(error))
            except _NoneMarked:
                self._any_stream = True
            except _NothingRecovers:
                self._show_all = True
        return self._open(want)

    def _open(self, want: Format | None) -> Format:
        self.close()
        self._want, self.frames = want, 0
        self._heard.clear()
        self._heard.waits = not self.live
        self._round, self._newest, self._lasts = 0, NO_TIME, 0
        try:
            self._start()
            deadline = time.monotonic() + self.settings.timeout_s
            longest = time.monotonic() + max(_KEY_FRAME_S, self.settings.timeout_s)
            given_up = False
            while self._first is None:
                self._first = self._pull(_GLANCE)
                if self._first is None and self._ended.is_set():
                    # One last pull: picture and end may have come between the pull and this check.
                    self._first = self._pull(0)
                    if self._first is None:
                        raise self.no_picture("it ended without a picture")
                if self._first is None and given_up:
                    # Without a message: decodebin swallows the error of a demuxer being added.
                    raise self.no_picture("it breaks off before its first picture")
                given_up = self._has_given_up()
                now = time.monotonic()
                if self._gate.waits(_LULL_S) and now < longest:
                    # Opening anew would only mean joining between two key frames again.
                    deadline = max(deadline, now + _LULL_S)
                if self._first is None and now > deadline:
                    raise self._late()
        except BaseException:
            self.close()
            raise
        assert self.format is not None
        if format_name(self._first) in (WIDE_FORMAT, ALPHA_FORMAT):
            # Compiles them, if need be: not while pictures are waited for.
            import appliance.pixels.cpu  # noqa: F401
        return self.format

    def read(self, timeout: float) -> Frame | None:
        """See ``Source.read``."""
        deadline = time.monotonic() + timeout
        while True:
            sample = self._take(deadline)
            if sample is not None:
                return self._frame(sample)
            if self._ended.is_set():
                # Cameras and servers never end: this one has gone away.
                raise SourceError(f"{self.name}: the other side ended the stream")
            if time.monotonic() >= deadline:
                return None

    def close(self) -> None:
        """See ``Source.close``."""
        pipeline, self._pipeline = self._pipeline, None
        self._sink = self._first = self._failure = self.format = None
        self._missing, self._demuxers = "", []
        branch, self._branch = self._branch, None
        if branch is not None:
            branch.close()
        if pipeline is None:
            return
        # A driver or a server that does not answer can block the state change for ever.
        closer = threading.Thread(
            target=pipeline.set_state, args=(Gst.State.NULL,), name="source-close", daemon=True
        )
        closer.start()
        closer.join(_CLOSE_WITHIN)
        if closer.is_alive():
            log.warning(
                "a source does not let go; left behind",
                source=self.name, waited_s=_CLOSE_WITHIN,
            )  # fmt: skip

    @property
    def has_sound(self) -> bool:
        """See ``HasSound``."""
        return self._branch is not None and self._branch.taken and not self._branch.silent

    @property
    def more_sound(self) -> bool:
        """See ``HasSound``."""
        return self.has_sound and self._branch is not None and not self._branch.ended.is_set()

    def sounds(self) -> list[AudioBlock]:
        """See ``HasSound``."""
        return self._heard.take(self._round, self._newest)

    # Inside.

    def _await_its_sound(self, ends: int) -> None:
        """Have a picture wait for its sound, where it can: the next may belong to another round.

        Not at each picture of a stretch that has none.
        """
        branch = self._branch
        if branch is None or self.live or not self.has_sound or self._heard.round != self._round:
            return
        if branch.ended.is_set() or self._heard.reaches(ends):
            self._patient = True
        elif self._patient:
            self._patient = branch.await_rest(ends, _SOUND_S)

    def _over(self, how: str) -> EndOfStream:
        """The exception for the end of what does not loop, when the sound up to it has come.

        Pictures go on without a sound that is late; here it could not be fetched any more.
        """
        branch = self._branch
        if branch is not None and self.has_sound and self._heard.round == self._round:
            branch.await_rest(self._newest + self._lasts, _LAST_SOUND_S)
        return EndOfStream(f"{self.name}: {how}")

    def _late(self) -> MatteboxError:
        """The exception for a first picture that does not come."""
        if self._withholds and self._gate.passed and not self._show_all:
            return _NothingRecovers(f"{self.name}: nothing to recover at")
        if self._gate.waits(_LULL_S):
            return SourceError(
                f"{self.name}: pictures come, but no key frame within {_KEY_FRAME_S:g} s; set the "
                "camera's key frame interval (I-frame interval, GOP) to 1 or 2 s"
            )
        return self.no_picture(f"no picture within {self.settings.timeout_s:g} s")

    def no_picture(self, why: str) -> MatteboxError:
        """The exception for a stream that opens but gives nothing."""
        return SourceError(f"{self.name}: {why}{self._missing}; is anything sent?")

    def _start(self) -> None:
        self._ended.clear()
        self._gate, self._withholds = KeyFrameGate(self.name), False
        self._pipeline = pipeline = Gst.Pipeline()
        pipeline.connect("deep-element-added", self._tune)
        self._sink = sink = make(
            "appsink", sync=False, max_buffers=self.buffers, drop=self.live_drop,
            enable_last_sample=False,
        )  # fmt: skip
        sink.get_static_pad("sink").add_probe(
            Gst.PadProbeType.EVENT_DOWNSTREAM | Gst.PadProbeType.EVENT_FLUSH, self._on_sink_event
        )
        # Only the picture is decoded (StreamChoice). With expose-all-streams off, decodebin would
        # refuse what decodes VP8 and VP9 with alpha, as its template tells no format.
        self.decoder = make("decodebin", caps=Gst.Caps.from_string("video/x-raw(ANY)"))
        self._choice = StreamChoice(self.decoder, self.name, any_stream=self._any_stream)
        self.decoder.connect("pad-added", self._on_pad)
        self.decoder.connect("no-more-pads", self._on_all_pads)
        self._branch = AudioBranch(pipeline, self.name, self._heard)
        pipeline.add(sink)
        pipeline.add(self.decoder)
        self.head(pipeline)
        if pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            self._look_at_bus()
            raise SourceError(f"{self.name}: GStreamer could not start it")

    @property
    def with_sound(self) -> bool:
        """Whether the stream's sound is wanted."""
        return self.settings.sound == "auto"

    @property
    def live_drop(self) -> bool:
        """Whether the appsink drops what is not fetched in time, rather than wait."""
        return self.live

    def _tune(self, _bin: Gst.Bin, _child: Gst.Bin, element: Gst.Element) -> None:
        """Called for each element that decodebin adds, before it starts."""
        factory = element.get_factory()
        name = factory.get_name() if factory is not None else ""
        if name.startswith("avdec_") and element.find_property("max-threads") is not None:
            element.set_property("max-threads", self.decoder_threads)
        if name in PARSERS:
            trust_the_stream(element)
            self._gate.watch(element)
        if name == "avdec_h264":
            # Of intra refresh, nothing before the picture is whole.
            self._withholds = True
            element.set_property("output-corrupt", self._show_all)
        if name.startswith("avdemux_"):
            self.winds_back = False
        klass = str(factory.get_metadata("klass")) if factory is not None else ""
        # decodebin is one by its class, too, and sees the whole file.
        if "Decoder" in klass and element != self.decoder and self._choice is not None:
            self._choice.watch(element)
        if name in JPEG_DECODERS:
            # After the look at its size: a check of 900 million pixels would take long.
            JpegCheck(self.name).watch(element)
        if "Demuxer" in klass:
            self._demuxers.append(element)

    def _has_given_up(self) -> bool:
        """Whether a demuxer has stopped reading without finding a stream."""
        return any(
            pad.get_task_state() == Gst.TaskState.PAUSED and not demuxer.srcpads
            for demuxer in list(self._demuxers)
            for pad in demuxer.sinkpads
        )

    def _on_pad(self, _decoder: Gst.Element, pad: Gst.Pad) -> None:
        """Called by a streaming thread for each stream decodebin has decoded: takes the first."""
        caps = pad.get_current_caps() or pad.query_caps(None)
        kind = first_structure(caps).get_name()
        if kind.startswith("audio/") and self._branch is not None and self.with_sound:
            self._branch.attach(pad)
        if self._sink is None or kind != "video/x-raw":
            return  # one of the streams that were not chosen
        with self._linking:
            if self.format is not None:
                return
            try:
                made = conform(
                    caps, self._want, _orientation(pad), self.name, fill=self.fill,
                    whole=not self.live,
                )  # fmt: skip
                self.format = made.format
                assert self._pipeline is not None
                chain(self._pipeline, [*made.elements, self._sink])
                if pad.link(made.elements[0].get_static_pad("sink")) != Gst.PadLinkReturn.OK:
                    raise SourceError(f"{self.name}: cannot be linked ({caps.to_string()})")
            except Exception as error:  # noqa: BLE001  handed to the reader, who raises it
                self._failure = error

    def _on_all_pads(self, _decoder: Gst.Element) -> None:
        if self.format is None and self._failure is None:
            self._failure = self._no_video()

    def _no_video(self) -> MatteboxError:
        return InputError(f"{self.name}: it has no video{self._missing}; expected pictures")

    def _on_sink_event(self, _pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        kind = info.get_event().type
        if kind == Gst.EventType.EOS:
            self._ended.set()
        elif kind in (Gst.EventType.FLUSH_STOP, Gst.EventType.STREAM_START):
            self._ended.clear()
        return Gst.PadProbeReturn.OK

    def _look_at_bus(self) -> None:
        """Raise what a streaming thread or an element has reported."""
        if self._choice is not None and self._choice.none_marked:
            raise _NoneMarked(f"{self.name}: none of its streams is marked as the default")
        refused = self._choice.refused if self._choice is not None else None
        if self._failure is not None or refused is not None:
            raise refused or self._failure  # type: ignore[misc]
        assert self._pipeline is not None
        bus = self._pipeline.get_bus()
        while (message := bus.pop()) is not None:
            if message.type == Gst.MessageType.ERROR:
                if self._branch is not None and self._branch.failed(message):
                    continue
                # decodebin, asked only for pictures, seeks a decoder that makes them from sound.
                if self.format is None and "(audio/" in error_text(message):
                    raise self._no_video()
                if leave_out(message.src) is not None:
                    raise DecoderFailed(f"{self.name}: {redact(error_text(message))}")
                # Refused since it was asked for above: the error only follows from that.
                refused = self._choice.refused if self._choice is not None else None
                raise refused or self.failed(message)
            if message.type == Gst.MessageType.ELEMENT:
                structure = message.get_structure()
                if structure is not None and structure.get_name() == "missing-plugin":
                    what = structure.get_string("name")
                    # It may be there, and no memory left to load it into.
                    self._missing = f"; {memory.spent() or f'there is no {what} here, {_DECODERS}'}"

    def _pull(self, nanoseconds: int) -> Gst.Sample | None:
        """The appsink's next sample, or None after a wait; raises what went wrong meanwhile."""
        if self._sink is None:
            raise SourceError(f"{self.name}: it is not open")
        sample = self._sink.try_pull_sample(max(0, nanoseconds))
        if sample is None and nanoseconds > 0:
            self._heard.let_on()
        self._look_at_bus()
        while sample is not None and sample.get_buffer().has_flags(Gst.BufferFlags.CORRUPTED):
            # So says its decoder, or the camera's driver.
            self._gate.close()
            sample = self._sink.try_pull_sample(0)
        if sample is None:
            return None
        # The appsink wants its own sample object back: it complains when it must flush or change
        # caps while somebody holds it.
        return Gst.Sample.new(sample.get_buffer(), sample.get_caps(), sample.get_segment(), None)

    def _take(self, deadline: float) -> Gst.Sample | None:
        """The next sample, or None at the deadline (``time.monotonic()``) or the stream's end."""
        if self._first is not None:
            sample, self._first = self._first, None
            return sample
        while True:
            left = int((deadline - time.monotonic()) * 1e9)
            sample = self._pull(min(_GLANCE, left))
            if sample is not None or left <= 0:
                return sample
            # One last pull: the end may have come between the pull and the check of the flag.
            if self._ended.is_set():
                return self._pull(0)

    def _frame(self, sample: Gst.Sample, *, restart: bool = False) -> Frame:
        """The sample as a frame with its own time; ``restart``: its stream begins anew with it."""
        pts, duration = running_time(sample), duration_of(sample)
        cut = restart or self.frames == 0
        self._round, self._newest, self._lasts = self._round + restart, pts, duration
        self._await_its_sound(pts + duration)
        serial, self.frames = self.frames, self.frames + 1
        special = {WIDE_FORMAT: self._to_sdr.frame, ALPHA_FORMAT: on_black}.get(format_name(sample))
        if special is None:
            return frame_of(sample, pts=pts, duration=duration, serial=serial, discontinuity=cut)
        assert self.format is not None
        made = special(sample, self.format.colour, pts=pts, serial=serial, discontinuity=cut)
        return replace(made, duration=duration)


_DECODERS = (
    "install the decoders: apt install gstreamer1.0-libav gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad"
)


def running_time(sample: Gst.Sample) -> int:
    """A sample's time since the stream's start, nanoseconds; ``NO_TIME`` if it has none."""
    pts = sample.get_buffer().pts
    if pts == Gst.CLOCK_TIME_NONE:
        return NO_TIME
    running = sample.get_segment().to_running_time(Gst.Format.TIME, pts)
    return int(running if running != Gst.CLOCK_TIME_NONE else pts)


def duration_of(sample: Gst.Sample) -> int:
    """How long a sample is to be shown, nanoseconds; 0 if it does not say, or over a minute."""
    duration = sample.get_buffer().duration
    return int(duration) if duration <= Gst.SECOND * 60 else 0


def _orientation(pad: Gst.Pad) -> str | None:
    """The orientation tag of a stream that is not upright, as ``rotate-90``.

    When decodebin exposes a pad, the tag has got as far as the decoder's input.
    """
    inner = pad.get_target() if isinstance(pad, Gst.GhostPad) else pad
    decoder = inner.get_parent_element() if inner is not None else None
    pads = [pad, *(decoder.sinkpads if decoder is not None else ())]
    return next((turn for one in pads if (turn := _orientation_tag(one)) is not None), None)


def _orientation_tag(pad: Gst.Pad) -> str | None:
    index = 0
    while (event := pad.get_sticky_event(Gst.EventType.TAG, index)) is not None:
        found, turn = event.parse_tag().get_string(Gst.TAG_IMAGE_ORIENTATION)
        if found and turn != "rotate-0":
            return str(turn)
        index += 1
    return None
