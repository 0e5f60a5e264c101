"""Motion JPEG over HTTP: each picture by itself, the newest shown."""

from __future__ import annotations

from appliance.errors import SourceError
from appliance.media.gst import Gst
from appliance.sources.web.fed import FedSource, Fetching, appsrc, push
from appliance.sources.web.multipart import parts


class MjpegSource(FedSource):
    """The pictures of a camera as they come; the time of each is that of its arrival."""

    def feeder(self) -> Gst.Element:
        """See ``FedSource.feeder``."""
        answer = self.first_answer()
        boundary = answer.headers.get_param("boundary")
        if not isinstance(boundary, str) or not boundary:
            raise SourceError(f"{self.name}: its Content-Type names no boundary between pictures")
        source = appsrc(
            caps=Gst.Caps.from_string("image/jpeg"), format="time", is_live=True, do_timestamp=True,
            # A decoder that is late gets the newest, never a queue.
            max_buffers=2, max_bytes=0, leaky_type="downstream",
        )  # fmt: skip

        def feed(fetching: Fetching) -> None:
            for part in parts(boundary, answer.read):
                if part.startswith(b"\xff\xd8") and not push(source, part):
                    return
            if not fetching.stopped.is_set():
                raise SourceError("the server ended the stream")

        self.in_thread(feed)
        return source
