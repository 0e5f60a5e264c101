"""Applies new settings to a running appliance: rebuilds only what changed, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from appliance.background.base import Background
from appliance.background.fade import FadingBackground, fading
from appliance.background.kept import KeptStills
from appliance.config.load import changed
from appliance.config.settings import Companion, OutputSettings, RtspSettings, Settings
from appliance.config.uris import source_scheme
from appliance.daemon.audio_bus import AudioBus
from appliance.daemon.companions import CompanionPool, companion_pool
from appliance.daemon.dissolve import only_behind
from appliance.daemon.files import Files, files_of, replaced
from appliance.daemon.hearing import Hearing
from appliance.daemon.programme import Programme
from appliance.daemon.worker import LOAD_S, Worker
from appliance.errors import ConfigError, InputError, MatteboxError
from appliance.media.audio_ring import AudioRing
from appliance.media.canvas import BufferPool
from appliance.media.frame import Format
from appliance.networks.choose import choose_network
from appliance.networks.on_gpu import OnGpu
from appliance.outputs.feeder import OutputFeeder
from appliance.outputs.rtsp import certificate
from appliance.outputs.whep.output import WhepOutput, shared_encoding
from appliance.pipeline.base import FramePipeline
from appliance.pipeline.make import Prepared, prepare, prepare_settings
from appliance.shedding import Shedding
from appliance.sources.base import Speaks
from appliance.sources.feeder import SourceFeeder
from appliance.sources.make import make_source_of
from appliance.stages.looks.make import Style, make_style
from appliance.stages.select import wanted as select
from appliance.system.thermal import Thermometer

# A new source that takes longer to answer keeps being tried; until then the placeholder is out.
_SOURCE_S = 2.0
_SWAP_S = 5.0

log = structlog.get_logger(__name__)


class NotApplied(InputError, ConfigError):
    """Settings that cannot be used now; nothing was changed. ``key`` (dotted) names the setting."""

    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


class RunningDaemon(Protocol):
    """What a change needs of the daemon to which it is applied."""

    settings: Settings
    format: Format
    source_format: Format
    feeder: SourceFeeder
    background: Background
    stills: KeptStills
    style: Style | None
    outputs: list[OutputFeeder]
    whep: WhepOutput
    programme: Programme
    line: AudioRing
    sound: AudioBus
    hearing: Hearing
    worker: Worker
    pipeline: FramePipeline
    pool: BufferPool
    shedding: Shedding
    thermometer: Thermometer
    leftovers: list[Callable[[], object]]
    files: Files

    def make_output(self, output: OutputSettings, rtsp: RtspSettings | None = None) -> OutputFeeder:
        """An output for the settled format, not yet started; ``rtsp``: if not the rules in use."""
        ...

    def fed(self, outputs: list[OutputFeeder]) -> list[OutputFeeder]:
        """All that frames are handed to: ``outputs``, and what browsers watch."""
        ...

    def changing(self) -> AbstractContextManager[None]:
        """Hold while exchanging parts. Raises once the daemon is stopping."""
        ...

    def retire(self, parts: list[Callable[[], object]]) -> None:
        """Call those of ``parts`` still in ``leftovers``: the rest were called at the end."""
        ...


@dataclass(slots=True)
class _Parts:
    """The parts built for the new settings; None where the old part stays."""

    background: Background | None = None
    style: Style | None = None
    network: Prepared | None = None
    feeder: SourceFeeder | None = None
    outputs: list[OutputFeeder] = field(default_factory=list)
    """All of them, including those that stay."""
    gone: list[OutputFeeder] = field(default_factory=list)
    background_before: Background | None = None
    """What the new one takes the place of."""
    only_behind: bool = False
    """A dissolve is one of the backgrounds alone."""
    companions: CompanionPool | None = None
    """Of the new settings, if they ask for others, or for more, than the old."""
    reencoded: list[Callable[[], None]] = field(default_factory=list)
    """For outputs that stay and keep their readers: the calls that change their encoding."""


def apply(
    daemon: RunningDaemon, new: Settings, *, read_again: bool = False, dissolve: int = 0
) -> frozenset[str]:
    """Switch a running daemon to ``new``; returns the sections that changed.

    With ``read_again`` a section has also changed if a file that it names has been replaced (a
    background saved under the same name). Otherwise files are left alone: a picture that is just
    being copied must not have another change refused.

    ``dissolve``: frames for which the last composite before fades into those after. Any other
    change is a cut, and ends what is still fading.

    Everything new is built first; if any of that fails, nothing has changed. Unchanged outputs keep
    their clients: frames of the same size and rate go on coming. Call from one thread at a time,
    and never from the pipeline's.

    Raises NotApplied, which is an InputError and a ConfigError.
    """
    old = daemon.settings
    sections = changed(old, new)
    # Before anything is read, so that a file that is saved meanwhile counts as another.
    files = files_of(new)
    stale = replaced(daemon.files, files)
    if read_again:
        sections |= stale
    if not sections:
        return sections
    for key in ("size", "fps"):
        if getattr(old.canvas, key) != getattr(new.canvas, key):
            raise NotApplied(
                f"canvas.{key}",
                f"canvas.{key} cannot change while running, since every output would have to "
                "start again: restart mattebox for that; nothing was changed",
            )
    with ExitStack() as undo:
        parts = _build(daemon, new, sections, stale, undo)
        with daemon.changing():
            undo.pop_all()
            retired = _swap(daemon, new, parts)
            daemon.files = {**daemon.files, **{name: files[name] for name in sections & {*files}}}
            # If the daemon stops before they are retired, they are closed with all the rest.
            daemon.leftovers += retired
    daemon.whep.follow(new.http, shared_encoding(new.outputs))
    if daemon.worker.submit(lambda: _between_frames(daemon, new, parts, dissolve), timeout=_SWAP_S):
        daemon.retire(retired)
    else:
        # Takes effect once the network answers; the placeholder is out until then. The old parts
        # may still be in use, so they stay until the daemon stops.
        log.warning("the change waits for the network, which does not answer")
    source = daemon.feeder.source
    if isinstance(source, Speaks):
        source.use_voice(new.voice)
        source.use_face(new.face)
    log.info("settings applied", changed=sorted(sections))
    return sections


@contextmanager
def _of(key: str) -> Iterator[None]:
    """Turn an error within into NotApplied, blaming ``key``."""
    try:
        yield
    except (MatteboxError, OSError) as error:
        raise NotApplied(key, str(error)) from error


def _build(
    daemon: RunningDaemon,
    new: Settings,
    sections: frozenset[str],
    stale: frozenset[str],
    undo: ExitStack,
) -> _Parts:
    """Build everything new, already running where it can run before the swap.

    ``stale``: the sections of which a file has been replaced.
    """
    parts = _Parts()
    if "background" in sections:
        with _of("background.uri"):
            parts.background = daemon.stills.make(new.background, daemon.format)
        undo.callback(parts.background.close)
    parts.style = _style(daemon, new, sections, stale, parts.background or daemon.background)
    if _network(daemon.settings) != _network(new) or "matting" in sections & stale:
        with _of("matting.model"):
            parts.network = _prepare(daemon, new, undo)
    if "stages" in sections:
        for key, problem in select.mistakes(new.stages.select):
            raise NotApplied(key, problem)
    # Not between two frames: what was never used on this machine is compiled now.
    prepare_settings(daemon.pipeline, new)
    if "rtsp" in sections:
        with _of("rtsp.password"):
            new.rtsp.password.reveal()
        with _of("rtsp.certificate"):
            certificate.load(new.rtsp)
    _outputs(daemon, new, parts)
    if _beside(daemon.settings) != _beside(new):
        parts.companions = companion_pool(new, daemon.format)
    if "source" in sections and not _sound_only(daemon.settings, new):
        parts.feeder = _source(daemon, new, undo)
    _start_outputs(daemon, parts, undo)
    return parts


def _swap(daemon: RunningDaemon, new: Settings, parts: _Parts) -> list[Callable[[], object]]:
    """Put the new parts in place, quickly; returns the calls that end those they replace."""
    retired: list[Callable[[], object]] = [output.stop for output in parts.gone]
    if parts.feeder is not None:
        retired.append(daemon.feeder.stop)
        daemon.feeder = parts.feeder
        daemon.worker.take_from(parts.feeder.mailbox)
    ends_microphone = daemon.hearing.use(new.source, daemon.feeder)
    if ends_microphone is not None:
        retired.append(ends_microphone)
    daemon.sound.configure(new.sound)
    if parts.background is not None:
        retired.append(daemon.background.close)
        parts.background_before = daemon.background
        parts.only_behind = only_behind(daemon.settings, new)
        daemon.background = parts.background
    daemon.style = parts.style
    for output in parts.outputs:
        output.use_rtsp(new.rtsp)
    for use in parts.reencoded:
        use()
    daemon.outputs, daemon.settings = parts.outputs, new
    fed = daemon.fed(parts.outputs)
    daemon.programme.configure(
        [output.mailbox for output in fed], new.matting.stall_s, [output.sounds for output in fed],
        [output.companion for output in new.outputs],
    )  # fmt: skip
    return retired


def _between_frames(daemon: RunningDaemon, new: Settings, parts: _Parts, dissolve: int) -> None:
    """Apply what concerns the pipeline, in its own thread."""
    before, behind = daemon.worker.shown, _fading_behind(daemon, parts, dissolve)
    if parts.network is not None:
        daemon.pipeline = parts.network.exchange()
        daemon.pipeline.use_canvases(daemon.pool)
        daemon.worker.use(daemon.pipeline)
    daemon.pipeline.configure(new)
    if parts.companions is not None or not new.companions:
        daemon.worker.accompany(parts.companions)
    daemon.pipeline.use_style(parts.style)
    daemon.shedding.configure(new.load)
    daemon.shedding.look_again()
    daemon.thermometer.configure(new.load.hottest_c)
    if parts.background is not None:
        daemon.pipeline.use_background(behind or parts.background)
        # Only now: a frame may have been made with the old one since it was replaced.
        daemon.programme.forget()
        daemon.worker.forget()
    if behind is not None:
        daemon.worker.fade.begin_behind(behind)
    elif dissolve and before is not None:
        daemon.worker.fade.begin(before, dissolve)
    else:
        daemon.worker.fade.end()


def _fading_behind(daemon: RunningDaemon, parts: _Parts, dissolve: int) -> FadingBackground | None:
    """The new background, fading from the one before, where that is all there is to a dissolve."""
    if not dissolve or not parts.only_behind or parts.background is None:
        return None
    fade, old = daemon.worker.fade, parts.background_before
    # The whole picture is fading: so it does on.
    before = None if fade.active or old is None else fade.behind or old.picture
    return None if before is None else fading(before, parts.background, dissolve)


def _prepare(daemon: RunningDaemon, new: Settings, undo: ExitStack) -> Prepared:
    """Load the new network: an engine in the thread that owns the GPU, between two frames."""
    network = choose_network(new.matting)

    def load() -> Prepared:
        return prepare(daemon.pipeline, new, daemon.format, network, daemon.background)

    if not isinstance(network, OnGpu):
        return load()
    prepared = daemon.worker.call(load, LOAD_S)
    undo.callback(daemon.worker.submit, prepared.discard)
    return prepared


def _style(
    daemon: RunningDaemon, new: Settings, sections: frozenset[str], stale: frozenset[str],
    behind: Background,
) -> Style | None:  # fmt: skip
    """The style for the new settings: the old one, where nothing that it is made of changed."""
    wanted, old = new.stages.style, daemon.style
    if not wanted.wanted:
        return None
    again = ("background" in sections and wanted.on == "background") or "stages" in sections & stale
    if old is not None and not again and old.made_for(wanted, daemon.format.colour):
        return old
    with _of("stages.style.look"):
        return make_style(wanted, daemon.format.colour, behind.picture)


def _beside(settings: Settings) -> list[Companion | None]:
    """What its outputs ask for, in any order: that decides the canvases."""
    return sorted((output.companion for output in settings.outputs), key=str)


def _network(settings: Settings) -> tuple[object, ...]:
    """The settings that require a new network when they change."""
    matting = settings.matting
    return (matting.model, matting.runtime, matting.threads)


def _outputs(daemon: RunningDaemon, new: Settings, parts: _Parts) -> None:
    """Find the outputs for the new settings (new ones not yet started) and those to stop."""
    running = list(zip(daemon.settings.outputs, daemon.outputs, strict=True))
    stay: dict[int, OutputFeeder] = {}

    def keep(index: int, like: Callable[[OutputSettings], bool]) -> None:
        wanted = new.outputs[index]
        for old, feeder in running:
            # What shows something else begins anew: frames of both kinds would meet in its encoder.
            if index in stay or not like(old) or old.companion != wanted.companion:
                continue
            if old != wanted:
                with _of(f"outputs.{index}.encoder"):
                    use = feeder.prepare_video(wanted)
                if use is None:
                    continue
                parts.reencoded.append(use)
            stay[index] = feeder
        running[:] = [pair for pair in running if pair[1] is not stay.get(index)]

    for index, wanted in enumerate(new.outputs):
        keep(index, lambda old, wanted=wanted: old == wanted)  # type: ignore[misc]
    for index, wanted in enumerate(new.outputs):
        keep(index, lambda old, wanted=wanted: old.uri == wanted.uri)  # type: ignore[misc]
    for index, wanted in enumerate(new.outputs):
        with _of(f"outputs.{index}.uri"):
            parts.outputs.append(stay.get(index) or daemon.make_output(wanted, new.rtsp))
    parts.gone = [feeder for _, feeder in running]


def _start_outputs(daemon: RunningDaemon, parts: _Parts, undo: ExitStack) -> None:
    """Start the new outputs; a port, a screen or a device can only be used once."""
    for output in parts.outputs:
        if output in daemon.outputs:
            continue
        for old in parts.gone:
            if old.wanted_uri == output.wanted_uri:
                old.stop()
        undo.callback(output.stop)
        output.start()


def _source(daemon: RunningDaemon, new: Settings, undo: ExitStack) -> SourceFeeder:
    """Start a feeder for the new source; on failure the old source is as it was."""
    asked = new.source_in_use
    with _of("source.uri"):
        source = make_source_of(new)
    if source.live != daemon.feeder.source.live:
        raise NotApplied(
            "source.pace",
            "a file as fast as possible and a live picture cannot take turns while running: "
            "restart mattebox for that; nothing was changed",
        )
    if _same_device(daemon.settings.source.uri, new.source.uri):
        daemon.feeder.stop()
        undo.callback(_bring_back, daemon)
    feeder = SourceFeeder(source, asked, want=daemon.source_format, line=daemon.line)
    feeder.replaces(daemon.feeder)
    undo.callback(feeder.stop)
    with _of("source.uri"):
        feeder.start(timeout=_SOURCE_S)
    return feeder


def _sound_only(old: Settings, new: Settings) -> bool:
    """Whether all that changed in the source is where its sound comes from, and it may go on.

    What has sound in its stream is opened anew: it decodes that only if it is wanted.
    """
    was, wanted = old.source, new.source
    # Where nothing changed, the file that it names was replaced.
    if was == wanted or was.model_copy(update={"sound": wanted.sound}) != wanted:
        return False
    scheme = None if wanted.uri == "auto" else source_scheme(wanted.uri)
    apart = wanted.uri == "auto" or (scheme is not None and scheme.microphone is not None)
    return apart or (was.sound == "auto") == (wanted.sound == "auto")


def _same_device(old: str, new: str) -> bool:
    """Whether the old source must be closed before the new one can open."""
    if old == new == "auto":
        return True
    if "auto" in (old, new):
        named = source_scheme(new if old == "auto" else old)
        return named is not None and named.exclusive and named.by_auto
    scheme = source_scheme(old)
    if scheme is None or not scheme.exclusive or scheme is not source_scheme(new):
        return False
    return scheme.device(old) == scheme.device(new)


def _bring_back(daemon: RunningDaemon) -> None:
    """Reopen the old source."""
    old = daemon.settings.source_in_use
    feeder = SourceFeeder(
        make_source_of(daemon.settings), old, want=daemon.source_format, line=daemon.line
    )
    feeder.replaces(daemon.feeder)
    # Not while mattebox is stopping: ``changing`` then raises.
    with daemon.changing():
        daemon.feeder = feeder
        # The microphone has not been changed yet, if there is one.
        daemon.hearing.use(daemon.settings.source, feeder)
        feeder.start(timeout=0.0)
        daemon.worker.take_from(feeder.mailbox)
