"""A recording begun and ended over HTTP."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from appliance.config.settings import OutputSettings, Settings
from appliance.http.change import Alone, NotDone, applied_outputs, carry_out
from appliance.http.control_schemas import RecordingAnswer, RecordingsAnswer
from appliance.http.site import Site
from appliance.outputs.feeder import OutputStatus
from appliance.system.redact import redact

_OPEN_S = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    output: OutputSettings
    status: OutputStatus


def _running(site: Site) -> _Running | None:
    wanted = {output.uri for output in site.reloader.extra}
    outputs, statuses = site.daemon.settings.outputs, site.daemon.statuses()
    for output, status in zip(outputs, statuses, strict=False):
        if output.uri in wanted:
            return _Running(output, status)
    return None


def recording(site: Site) -> RecordingAnswer:
    """The recording that is being made."""
    now = _running(site)
    if now is None:
        return RecordingAnswer(
            recording=False, name=site.recordings.last, seconds=0.0, state="stopped",
            words="nothing is recorded",
        )  # fmt: skip
    return RecordingAnswer(
        recording=True, name=Path(now.status.uri).name,
        seconds=max(0.0, time.monotonic() - site.recordings.began),
        state=now.status.state, words=redact(now.status.words),
    )  # fmt: skip


def all_recordings(site: Site) -> RecordingsAnswer:
    """The folder, without the one that is being written."""
    now = recording(site)
    return RecordingsAnswer(
        folder=str(site.recordings.path), free_bytes=site.recordings.free(), now=now,
        entries=[
            entry for entry in site.recordings.entries()
            if not now.recording or entry.name != now.name
        ],
    )  # fmt: skip


def start(site: Site, suffix: str) -> RecordingAnswer:
    """Begin one, and wait until it is open. Raises NotDone, OutputError, TimeoutError."""
    with Alone(site):
        if _running(site) is not None:
            raise NotDone("a recording is being made already; stop it first")
        site.recordings.make()
        name = f"mattebox-{datetime.now():%Y-%m-%d-%H-%M-%S}.{suffix}"
        output = OutputSettings(uri=str(site.recordings.path / name))
        carry_out(
            site, lambda now: applied_outputs(now, (*now.outputs, output)), None, lambda _: None
        )
        site.reloader.extra = (output,)
        site.recordings.began = time.monotonic()
        status = _await_open(site)
        if status is None or status.state != "running":
            why = "it has not opened in time" if status is None else status.words
            _end(site, output)
            raise NotDone(f"nothing is recorded: {why}")
        site.recordings.last = Path(status.uri).name
    log.info("a recording was begun over HTTP", path=status.uri)
    return recording(site)


def _await_open(site: Site) -> OutputStatus | None:
    deadline, moment = time.monotonic() + _OPEN_S, threading.Event()
    now = _running(site)
    while now is not None and now.status.state == "opening" and time.monotonic() < deadline:
        moment.wait(0.02)
        now = _running(site)
    return None if now is None else now.status


def stop(site: Site) -> RecordingAnswer:
    """End it, its file complete. Raises NotDone, TimeoutError."""
    with Alone(site):
        now = _running(site)
        if now is None:
            raise NotDone("nothing is recorded now")
        site.recordings.last = Path(now.status.uri).name
        _end(site, now.output)
    log.info("a recording was ended over HTTP", path=now.status.uri)
    return recording(site)


def _end(site: Site, output: OutputSettings) -> None:
    def without(now: Settings) -> Settings:
        left = tuple(one for one in now.outputs if one.uri != output.uri)
        if not left:
            raise NotDone("it is the last output; add another one first")
        return applied_outputs(now, left)

    site.reloader.extra = ()
    try:
        carry_out(site, without, None, lambda _: None)
    except NotDone:
        site.reloader.extra = (output,)
        raise
