"""A pipeline fed with frames: what files, screens and loopback cameras have in common."""

from __future__ import annotations

import threading
from typing import Any

from appliance.errors import OutputError
from appliance.media.canvas import buffer_of
from appliance.media.frame import Format, Frame
from appliance.media.gst import GLib, Gst, caps_of, error_text

START_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 1.0
FINISH_TIMEOUT_S = 2.0


class Sink:
    """``appsrc ! description``, running from construction to ``stop``.

    Attributes:
        dropped: frames that newer ones pushed out of the queue.
    """

    def __init__(
        self, uri: str, format: Format, description: str, *, queued: int, leaky: bool
    ) -> None:
        """Build and start it.

        Args:
            uri: the output's address, for messages.
            format: of the frames.
            description: a launch line from NV12 to a sink.
            queued: frames that may wait.
            leaky: a full queue drops its oldest frame; otherwise ``push`` waits.

        Raises OutputError when an element is missing or does not start.
        """
        self._uri, self._queued, self._leaky = uri, queued, leaky
        self.dropped = 0
        self._moved = threading.Condition()
        self._pushed = self._taken = 0
        self._error: str | None = None
        self._finished = self._told = False
        try:
            self._pipeline: Any = Gst.parse_launch(f"appsrc name=frames ! {description}")
        except GLib.Error as error:
            raise OutputError(
                f"{uri}: GStreamer cannot build its pipeline: {error.message}"
            ) from None
        self._frames = self._pipeline.get_by_name("frames")
        self._frames.set_property("caps", caps_of(format))
        self._frames.set_property("format", Gst.Format.TIME)
        self._frames.set_property("is-live", True)
        self._frames.set_property("max-bytes", 0)
        self._frames.set_property("max-buffers", queued)
        self._frames.set_property("leaky-type", 2 if leaky else 0)
        self._frames.set_property("emit-signals", False)
        self._probe: tuple[Any, int] | None = None
        if not leaky:
            pad = self._frames.get_static_pad("src")
            self._probe = pad, pad.add_probe(Gst.PadProbeType.BUFFER, self._on_taken)
        self._bus = self._pipeline.get_bus()
        self._bus.enable_sync_message_emission()
        self._handlers = [
            self._bus.connect("sync-message::error", self._on_error),
            self._bus.connect("sync-message::eos", self._on_eos),
        ]
        if self._pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            self._fail_start("it does not start")

    @property
    def frames(self) -> Any:
        """The appsrc."""
        return self._frames

    @property
    def error(self) -> str | None:
        """Why it has failed; None while it works."""
        return self._error

    def element(self, name: str) -> Any:
        """The element of this name in the description."""
        return self._pipeline.get_by_name(name)

    def running_time(self) -> int:
        """Nanoseconds since the pipeline started, on its own clock."""
        now = self._frames.get_current_running_time()
        return int(now) if now != Gst.CLOCK_TIME_NONE else 0

    def ready(self, timeout: float) -> bool:
        """Whether ``push`` would take a frame at once, now or within ``timeout`` seconds."""
        with self._moved:
            self._moved.wait_for(
                lambda: self._pushed - self._taken < self._queued or self._error, timeout
            )
            return self._error is None and self._pushed - self._taken < self._queued

    def push(self, frame: Frame, pts: int, duration: int) -> None:
        """Hand over a frame; times in nanoseconds. Raises OutputError if it failed or is stuck."""
        if self._leaky:
            self.dropped += self._frames.get_property("current-level-buffers") >= self._queued
        with self._moved:
            ready = self._leaky or self._moved.wait_for(
                lambda: self._pushed - self._taken < self._queued or self._error, WRITE_TIMEOUT_S
            )
            if self._error:
                self._told = True
                raise OutputError(f"{self._uri}: {self._error}")
            if not ready:
                raise OutputError(
                    f"{self._uri}: {self._queued} frames wait and none was taken for "
                    f"{WRITE_TIMEOUT_S:g} s; the disk or the encoder behind it is stuck"
                )
            self._pushed += 1
        self._frames.push_buffer(buffer_of(frame, pts, duration))

    def stop(self, *, finish: bool) -> None:
        """End it. With ``finish``, what is waiting is written first, and a file gets its index.

        Raises OutputError when that fails (unless ``push`` has already raised) or takes longer than
        2 s; the pipeline is gone either way.
        """
        if finish and self._error is None:
            self._frames.end_of_stream()
            with self._moved:
                self._moved.wait_for(lambda: self._finished or self._error, FINISH_TIMEOUT_S)
        self._let_go()
        if finish and not self._finished and not self._told:
            raise OutputError(
                f"{self._uri}: not finished properly: "
                f"{self._error or f'the end was not written within {FINISH_TIMEOUT_S:g} s'}"
            )

    def _fail_start(self, reason: str) -> None:
        self._let_go()
        raise OutputError(f"{self._uri}: {self._error or reason}")

    def _let_go(self) -> None:
        """End the pipeline, and break the reference cycle between it and this object.

        The cycle runs through GStreamer, where Python's collector cannot see it: each time, two
        descriptors and the encoder's memory would leak.
        """
        self._pipeline.set_state(Gst.State.NULL)
        for handler in self._handlers:
            self._bus.disconnect(handler)
        self._bus.disable_sync_message_emission()
        if self._probe is not None:
            pad, probe = self._probe
            pad.remove_probe(probe)
        self._handlers, self._probe = [], None

    def _on_taken(self, pad: Any, info: Any) -> Any:
        with self._moved:
            self._taken += 1
            self._moved.notify_all()
        return Gst.PadProbeReturn.OK

    def _on_error(self, bus: Any, message: Any) -> None:
        with self._moved:
            self._error = self._error or error_text(message)
            self._moved.notify_all()

    def _on_eos(self, bus: Any, message: Any) -> None:
        with self._moved:
            self._finished = True
            self._moved.notify_all()
