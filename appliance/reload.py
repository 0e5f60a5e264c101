"""Other settings for a running appliance: only what changed is rebuilt, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import structlog

from appliance.background import make_background
from appliance.config import changed
from appliance.errors import ConfigError
from appliance.matting.load import load_matting
from appliance.outputs.supervised import OutputFeeder
from appliance.settings import Settings
from appliance.sources.make import make_source
from appliance.sources.supervised import SourceFeeder

if TYPE_CHECKING:
    from appliance.daemon import Daemon

# A new source that takes longer to answer goes on being tried; the placeholder is out until then.
_SOURCE_S = 2.0
_SWAP_S = 5.0

log = structlog.get_logger(__name__)


def apply(daemon: Daemon, new: Settings) -> frozenset[str]:
    """Change a running daemon over to ``new``; returns the sections that changed.

    Everything new is built first; when any of it cannot be, nothing has changed. Outputs that stay
    as they were keep their clients: frames of the same size and rate go on coming.

    Raises InputError for what cannot be used, and ConfigError when the output's size or rate would
    change, which takes a restart.
    """
    old = daemon.settings
    sections = changed(old, new)
    if not sections:
        return sections
    if (old.canvas.size, old.canvas.fps) != (new.canvas.size, new.canvas.fps):
        raise ConfigError(
            "canvas.size and canvas.fps cannot change while running, since every output would "
            "have to start again: restart mattebox for that; nothing was changed"
        )
    with ExitStack() as undo:
        background = matting = feeder = None
        if "background" in sections:
            background = make_background(new.background, daemon.format)
            undo.callback(background.close)
        if _network(old) != _network(new):
            matting = load_matting(new.matting)
        outputs, gone = _outputs(daemon, new)
        if "source" in sections:
            feeder = _source(daemon, new, undo)
        undo.pop_all()

    def between_frames() -> None:
        daemon.pipeline.configure(new)
        if matting is not None:
            daemon.pipeline.use_matting(matting)
        if background is not None:
            daemon.pipeline.use_background(background)

    retired: list[Callable[[], object]] = [output.stop for output in gone]
    if feeder is not None:
        retired.append(daemon.feeder.stop)
        daemon.feeder = feeder
        daemon.worker.take_from(feeder.mailbox)
    if background is not None:
        retired.append(daemon.background.close)
        daemon.background = background
    for output in outputs:
        if output not in daemon.outputs:
            output.start()
    daemon.outputs, daemon.settings = outputs, new
    daemon.programme.configure([o.mailbox for o in outputs], new.matting.stall_s)
    if daemon.worker.submit(between_frames, timeout=_SWAP_S):
        for close in retired:
            close()
    else:
        # Done once the network answers; the placeholder is out until then. The old parts may
        # still be in use, so they stay until the end.
        log.warning("the change waits for the network, which does not answer")
        daemon.leftovers += retired
    log.info("settings applied", changed=sorted(sections))
    return sections


def _network(settings: Settings) -> tuple[object, ...]:
    """What takes another network when it changes."""
    matting = settings.matting
    return (matting.model, matting.runtime, matting.threads)


def _outputs(daemon: Daemon, new: Settings) -> tuple[list[OutputFeeder], list[OutputFeeder]]:
    """The outputs for the new settings, new ones not yet started, and those to be stopped."""
    running = list(zip(daemon.settings.outputs, daemon.outputs, strict=True))
    result = []
    for wanted in new.outputs:
        same = next((pair for pair in running if pair[0] == wanted), None)
        if same is not None:
            running.remove(same)
        result.append(same[1] if same else daemon.make_output(wanted))
    return result, [feeder for _, feeder in running]


def _source(daemon: Daemon, new: Settings, undo: ExitStack) -> SourceFeeder:
    """A feeder of the new source, started; on failure the old one is as it was."""
    if new.source.uri == daemon.settings.source.uri:
        # A camera can be opened once only: the old source must let go of it first.
        daemon.feeder.stop()
        undo.callback(_bring_back, daemon)
    feeder = SourceFeeder(make_source(new.source), new.source, want=daemon.format)
    undo.callback(feeder.stop)
    feeder.start(timeout=_SOURCE_S)
    return feeder


def _bring_back(daemon: Daemon) -> None:
    """The old source once more."""
    old = daemon.settings.source
    daemon.feeder = SourceFeeder(make_source(old), old, want=daemon.format)
    daemon.feeder.start(timeout=0.0)
    daemon.worker.take_from(daemon.feeder.mailbox)
