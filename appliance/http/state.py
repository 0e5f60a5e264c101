"""The state of the appliance as the API reports it: status, health, readiness."""

from __future__ import annotations

import time
from collections.abc import Iterable

from appliance import __version__
from appliance.config.settings import Settings
from appliance.config.uris import background_scheme, path_of
from appliance.daemon.counts import left_out
from appliance.daemon.daemon import Daemon
from appliance.http.backgrounds import Folder
from appliance.http.schemas import (
    ConfigurationAnswer,
    CountersAnswer,
    EncoderAnswer,
    HealthAnswer,
    LatencyAnswer,
    LoadAnswer,
    MistakeAnswer,
    OutputAnswer,
    PictureAnswer,
    ReadyAnswer,
    SourceAnswer,
    StageTimeAnswer,
    StatusAnswer,
)
from appliance.http.site import Site
from appliance.http.sound import sound_answer
from appliance.http.stages import resting_notes
from appliance.outputs.encoded.shared import Encoders
from appliance.system.redact import redact

READY_S = 1.0
"""A composite older than this is not fresh."""

# The programme sends something out at least ten times a second.
_SILENT_S = 3.0


def picture(settings: Settings, folder: Folder) -> PictureAnswer:
    """The settings that can be changed over HTTP."""
    uri = settings.background.uri
    path, scheme = path_of(uri), background_scheme(uri)
    name = None if path is None else folder.name_of(path)
    return PictureAnswer(
        background=name or redact(uri),
        hides_room=scheme is None or scheme.hides_room,
        fit=settings.background.fit,
        blur_radius=settings.background.blur_radius,
        edge_choke=settings.edge.choke,
        edge_softness=settings.edge.softness,
        people=settings.clean.keep,
    )


def configuration(site: Site) -> ConfigurationAnswer:
    """The state of the configuration."""
    now = site.reloader.state.status()
    return ConfigurationAnswer(
        file=now.path,
        applied_at=now.applied_at,
        refused=[
            MistakeAnswer(
                file=mistake.origin.label, line=mistake.origin.line, column=mistake.origin.column,
                key=mistake.key, message=redact(mistake.message),
            )
            for mistake in (now.refusal.mistakes if now.refusal is not None else ())
        ],
    )  # fmt: skip


def problems(daemon: Daemon) -> list[str]:
    """The signs that the appliance is not alive; empty while it is."""
    found = []
    if not daemon.worker.alive:
        found.append("the pipeline's thread has ended")
    if daemon.feeder.error is not None:
        found.append("the source's thread has died")
    # A file read as fast as possible may have to wait, so the programme does not watch it.
    if daemon.feeder.source.live and daemon.programme.idle_s > _SILENT_S:
        found.append(
            f"nothing has left for {daemon.programme.idle_s:.0f} s, not even the placeholder"
        )
    return found


def health(site: Site) -> HealthAnswer:
    """Whether the appliance is alive; a refused file is reported, but does not mean dead."""
    found = problems(site.daemon)
    return HealthAnswer(alive=not found, problems=found, configuration=configuration(site))


def ready(site: Site) -> ReadyAnswer:
    """Whether a fresh composite went out within the last second."""
    age = site.daemon.programme.composite_age_s
    if age is not None and age <= READY_S:
        return ReadyAnswer(ready=True, age_s=age, reason=None)
    reason = site.daemon.programme.trouble or f"the last composite is {age or 0:.1f} s old"
    return ReadyAnswer(ready=False, age_s=age, reason=redact(reason))


def status(site: Site) -> StatusAnswer:
    """The complete status."""
    daemon = site.daemon
    counts = daemon.counts()
    outputs = daemon.statuses()
    feeder, worker = daemon.feeder, daemon.worker
    shown = picture(daemon.settings, site.folder)
    told = configuration(site)
    trouble = None if counts.trouble is None else redact(counts.trouble)
    dropped = daemon.drops()
    return StatusAnswer(
        version=__version__,
        state="live" if trouble is None else "placeholder",
        words=_words(trouble, counts.clients, shown),
        notes=list(_notes(daemon, told, shown)),
        uptime_s=time.monotonic() - site.started,
        width=daemon.format.width,
        height=daemon.format.height,
        fps=daemon.format.rate,
        people=worker.people,
        scene=site.reloader.scenes.active,
        load=LoadAnswer(
            busy=daemon.shedding.state.load, level=int(daemon.shedding.state.level),
            doing=daemon.shedding.state.doing,
        ),
        frames=CountersAnswer(
            taken=counts.frames_in,
            composites=counts.frames_out,
            made=worker.made,
            placeholders=daemon.programme.placeholders,
            failed=worker.failed,
            dropped={redact(place): count for place, count in dropped.items()},
            dropped_words=redact(left_out(dropped)),
        ),
        latency=_latency(list(worker.latency_ns), worker.added_ns),
        stages=[
            StageTimeAnswer(
                name=name, mean_ms=sum(times) / len(times) / 1e6, slowest_ms=_high(times)
            )
            for name, times in (
                (name, list(stage.wall_ns))
                for name, stage in list(daemon.pipeline.clock.stages.items())
            )
            if times
        ],
        source=SourceAnswer(
            uri=redact(daemon.settings.source.uri), state=feeder.state.state,
            reason=redact(feeder.state.reason), reconnects=feeder.reconnects,
        ),
        sound=sound_answer(daemon),
        outputs=[
            OutputAnswer(
                uri=redact(o.uri), what=wanted.what, state=o.state, words=redact(o.words),
                clients=o.clients,
            )
            for wanted, o in zip(daemon.settings.outputs, outputs, strict=False)
        ],
        encoders=[EncoderAnswer(name=name, outputs=takers) for name, takers in Encoders.running()],
        picture=shown,
        configuration=told,
        temperatures=site.temperatures(),
        viewers=site.preview.viewers,
        whep=daemon.whep.clients(),
    )  # fmt: skip


def _words(trouble: str | None, clients: int, shown: PictureAnswer) -> str:
    if trouble is not None:
        return f"The placeholder is out: {trouble}."
    readers = {0: "nobody reads the stream", 1: "one reader"}.get(clients, f"{clients} readers")
    room = "" if shown.hides_room else " The room shows, out of focus."
    return f"Live: {readers}.{room}"


def _notes(daemon: Daemon, told: ConfigurationAnswer, shown: PictureAnswer) -> Iterable[str]:
    for mistake in told.refused[:3]:
        line = f", line {mistake.line}" if mistake.line else ""
        key = f": {mistake.key}" if mistake.key else ""
        yield f"The configuration is not applied: {mistake.file}{line}{key}: {mistake.message}"
    if daemon.shedding.state.sentence:
        yield f"The machine is {daemon.shedding.state.sentence}."
    yield from resting_notes(daemon.pipeline.resting)
    if daemon.hearing.state.state == "waiting":
        yield f"The microphone gives no sound: {redact(daemon.hearing.state.reason)}."
    if daemon.worker.no_room:
        yield (
            f"No frames are made in between: {daemon.format.rate:.4g} a second, the rate of the "
            "canvas, leave no room for them. Restart mattebox, or set canvas.fps to twice the "
            "source's rate."
        )
    for output in daemon.statuses():
        if output.state in ("failed", "retrying", "stalled"):
            yield f"Output {redact(output.uri)}: {redact(output.words)}"


def _latency(times: list[int], held: int) -> LatencyAnswer | None:
    if not times:
        return None
    return LatencyAnswer(
        median_ms=sorted(times)[len(times) // 2] / 1e6, slowest_ms=_high(times), held_ms=held / 1e6
    )


def _high(times: list[int]) -> float:
    """The 95th percentile, milliseconds."""
    return sorted(times)[int(0.95 * (len(times) - 1))] / 1e6
