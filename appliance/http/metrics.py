"""The metrics for Prometheus, read at each scrape: nothing else is counted just for them.

Labels come from short lists only (places, stages, states), never from messages for people: each
changing number in those would create a new series.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from appliance import __version__
from appliance.config.settings.scenes import NO_SCENE
from appliance.daemon.daemon import Daemon
from appliance.http.site import Site
from appliance.media.audio import RATE
from appliance.outputs.encoded.shared import Encoders
from appliance.stages.timings import BOUNDS_MS, Histogram
from appliance.system import gpus

SOURCE_STATES = ("connecting", "live", "waiting", "ended", "failed")
SOUND_STATES = ("live", "opening", "waiting", "none")
OUTPUT_STATES = ("opening", "running", "stalled", "retrying", "failed", "stopped")
REASONS = ("starting", "source", "network", "stalled", "pipeline")


def registry(site: Site) -> CollectorRegistry:
    """All metrics of one appliance, along with those of its process."""
    found = CollectorRegistry(auto_describe=False)
    found.register(_Figures(site))
    ProcessCollector(registry=found)
    return found


class _Figures(Collector):
    """Reads the metrics off the daemon."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """Every metric family."""
        daemon = self._site.daemon
        yield _labelled(
            GaugeMetricFamily("mattebox_build_info", "Always 1; what this is.",
                              labels=["version", "python", "machine"]),
            {(__version__, platform.python_version(), platform.machine()): 1},
        )  # fmt: skip
        yield from _frames(daemon)
        yield from _times(daemon)
        yield from _source(daemon)
        yield from _sound(daemon)
        yield from _avatar(daemon)
        yield from _outputs(daemon)
        yield from _placeholder(daemon)
        yield from _load(daemon)
        yield from self._configuration()
        yield self._scenes()
        yield from self._machine()

    def _scenes(self) -> Metric:
        now = self._site.reloader.scenes
        names = [NO_SCENE, *(scene.name for scene in now.base.scenes)]
        return _labelled(
            GaugeMetricFamily("mattebox_scene", "1 for the scene that is on.", labels=["name"]),
            {(name,): float(name == now.active) for name in names},
        )

    def _configuration(self) -> Iterator[Metric]:
        now = self._site.reloader.state.status()
        yield GaugeMetricFamily(
            "mattebox_configuration_applied_timestamp_seconds",
            "When the settings in use, the last good ones, were taken over.", now.applied_at,
        )  # fmt: skip
        yield GaugeMetricFamily(
            "mattebox_configuration_refused",
            "1 while the file as it is now is refused; /healthz says why.",
            int(now.refusal is not None),
        )
        yield CounterMetricFamily(
            "mattebox_configuration_applied", "Times that settings were taken over.", now.applied
        )
        yield CounterMetricFamily(
            "mattebox_configuration_refusals", "Times that settings were refused.", now.refused
        )

    def _machine(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("mattebox_threads", "Threads of this process.", gpus.threads())
        yield GaugeMetricFamily(
            "mattebox_preview_viewers", "Previews being watched.", self._site.preview.viewers
        )
        yield GaugeMetricFamily(
            "mattebox_whep_viewers", "Who watches by WHEP.", self._site.daemon.whep.clients()
        )
        yield _labelled(
            GaugeMetricFamily("mattebox_temperature_celsius", "By thermal zone.", labels=["zone"]),
            {(zone,): celsius for zone, celsius in self._site.temperatures().items()},
        )
        yield from _gpus(self._site.gpus.read())


def _labelled(family: Metric, values: dict[tuple[str, ...], float]) -> Metric:
    for labels, value in values.items():
        family.add_metric(labels, value)  # type: ignore[attr-defined]
    return family


def _frames(daemon: Daemon) -> Iterator[Metric]:
    programme = daemon.programme
    yield CounterMetricFamily(
        "mattebox_frames_in", "Frames that the source gave.", daemon.feeder.frames
    )
    yield _labelled(
        CounterMetricFamily("mattebox_frames_out", "Frames that went out.", labels=["kind"]),
        {("composite",): programme.composites, ("placeholder",): programme.placeholders},
    )
    dropped: dict[tuple[str, ...], float] = {
        ("pipeline",): daemon.feeder.dropped,
        ("canvas",): daemon.worker.no_canvas,
    }
    for index, output in enumerate(daemon.statuses()):
        dropped[(f"output {index}",)] = output.dropped
    yield _labelled(
        CounterMetricFamily(
            "mattebox_frames_dropped",
            "Frames lost: before the pipeline, for want of a canvas, at each output.",
            labels=["place"],
        ),
        dropped,
    )
    yield CounterMetricFamily(
        "mattebox_frames_failed", "Frames without a matte to trust.", daemon.worker.failed
    )
    yield GaugeMetricFamily("mattebox_people", "People in the last frame.", daemon.worker.people)


def _times(daemon: Daemon) -> Iterator[Metric]:
    stages = HistogramMetricFamily(
        "mattebox_stage_seconds", "Time of each step of a frame's path.", labels=["stage"]
    )
    for name, stage in sorted(daemon.pipeline.clock.stages.items()):
        stages.add_metric([name], *_buckets(stage.histogram))
    yield stages
    latency = HistogramMetricFamily(
        "mattebox_latency_seconds", "From a frame's arrival to its composite's leaving."
    )
    latency.add_metric([], *_buckets(daemon.worker.latency))
    yield latency


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Cumulative buckets, as Prometheus expects them, and the sum in seconds."""
    total, buckets = 0, []
    bounds = [*(str(bound / 1000) for bound in BOUNDS_MS), "+Inf"]
    for bound, count in zip(bounds, list(histogram.counts), strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets, histogram.total_ns / 1e9


def _states(family: Metric, labels: list[str], states: Iterable[str], now: str) -> None:
    for state in states:
        family.add_metric([*labels, state], int(state == now))  # type: ignore[attr-defined]


def _source(daemon: Daemon) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "mattebox_source_state", "1 for the state that the source is in.", labels=["state"]
    )
    _states(state, [], SOURCE_STATES, daemon.feeder.state.state)
    yield state
    yield CounterMetricFamily(
        "mattebox_source_reconnects", "Times the source was opened again.", daemon.feeder.reconnects
    )


def _sound(daemon: Daemon) -> Iterator[Metric]:
    now, ring, bus = daemon.hearing.state, daemon.line, daemon.sound
    state = GaugeMetricFamily(
        "mattebox_sound_state", "1 for the state that the sound is in.", labels=["state"]
    )
    _states(state, [], SOUND_STATES, now.state)
    yield state
    yield CounterMetricFamily(
        "mattebox_microphone_reopened", "Times the microphone was opened again.", now.reopened
    )
    yield CounterMetricFamily(
        "mattebox_sound_missing_seconds", "Silence sent where sound should have come.",
        ring.missing / RATE,
    )  # fmt: skip
    yield CounterMetricFamily(
        "mattebox_sound_late_seconds", "Sound left out as it came after its time.", ring.late / RATE
    )
    yield CounterMetricFamily(
        "mattebox_sound_cuts", "Times that sound did not join on to what came before.", ring.cut
    )
    yield CounterMetricFamily(
        "mattebox_sound_clipped_samples", "Samples too loud for 16 bits.", bus.clipped
    )
    yield GaugeMetricFamily(
        "mattebox_sound_level_dbfs", "Mean power that goes out; a full sine is 0, silence -100.",
        bus.meter.level_db,
    )  # fmt: skip
    yield GaugeMetricFamily(
        "mattebox_sound_peak_dbfs", "Loudest sample of the last 400 ms.", bus.meter.peak_db
    )
    yield _labelled(
        CounterMetricFamily(
            "mattebox_output_sound_lost_seconds", "Sound that an output did not fetch in time.",
            labels=["output"],
        ),
        {(str(index),): output.sounds.lost / RATE for index, output in enumerate(daemon.outputs)},
    )  # fmt: skip


def _avatar(daemon: Daemon) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "mattebox_sessions", "Sessions beside the box's own picture.", len(daemon.sessions.all())
    )
    playout = daemon.main.playout
    if playout is None:
        return
    counts = playout.counts
    for name, text, value in (
        ("turns", "Turns asked of the box's own avatar since it was opened.", counts.turns),
        ("underruns", "Times that its voice was slower than the clock.", counts.underruns),
        ("late_patches", "Ticks whose face was not made in time.", counts.late),
        ("cuts", "Steps between its clips without a seam.", counts.cuts),
    ):
        yield CounterMetricFamily(f"mattebox_avatar_{name}", text, value)


def _outputs(daemon: Daemon) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "mattebox_output_state", "1 for the state that an output is in.",
        labels=["output", "state"],
    )  # fmt: skip
    clients = GaugeMetricFamily("mattebox_clients", "Readers now.", labels=["output"])
    frames = CounterMetricFamily(
        "mattebox_output_frames", "Frames that an output took.", labels=["output"]
    )
    reconnects = CounterMetricFamily(
        "mattebox_output_reconnects", "Times an output was opened again.", labels=["output"]
    )
    for index, output in enumerate(daemon.statuses()):
        label = [str(index)]
        _states(state, label, OUTPUT_STATES, output.state)
        clients.add_metric(label, output.clients)
        frames.add_metric(label, output.frames)
        reconnects.add_metric(label, output.reconnects)
    yield from (state, clients, frames, reconnects)
    running = Counter(name for name, _ in Encoders.running())
    yield _labelled(
        GaugeMetricFamily(
            "mattebox_encoders", "Encoders that run, of picture and sound.", labels=["encoder"]
        ),
        {(name,): count for name, count in running.items()},
    )


def _placeholder(daemon: Daemon) -> Iterator[Metric]:
    reason = why(daemon)
    yield GaugeMetricFamily(
        "mattebox_placeholder", "1 while the placeholder is out.", int(reason is not None)
    )
    family = GaugeMetricFamily(
        "mattebox_placeholder_reason", "1 for why it is; /readyz says it in words.",
        labels=["reason"],
    )  # fmt: skip
    _states(family, [], REASONS, reason or "")
    yield family


def _load(daemon: Daemon) -> Iterator[Metric]:
    now = daemon.shedding.state
    yield GaugeMetricFamily(
        "mattebox_shedding_level", "What is left out to keep up: 0 nothing, 5 the most.", now.level
    )
    yield GaugeMetricFamily(
        "mattebox_load_ratio", "Time that frames take, as a part of the time there is.", now.load
    )
    yield GaugeMetricFamily(
        "mattebox_lost_ratio", "Part of the frames lost although no more can be left out.", now.lost
    )


def why(daemon: Daemon) -> str | None:
    """Why the placeholder is out, as one of ``REASONS``; None while composites are."""
    trouble = daemon.programme.trouble
    if trouble is None:
        return None
    if trouble == "starting":
        return "starting"
    if not daemon.worker.alive:
        return "pipeline"
    if daemon.feeder.state.state != "live":
        return "source"
    return "stalled" if daemon.programme.composite_age_s is not None else "network"


def _gpus(cards: tuple[gpus.Gpu, ...]) -> Iterator[Metric]:
    figures = (
        ("busy_ratio", "How busy a GPU is, 0 to 1.", "busy"),
        ("memory_used_bytes", "Memory of a GPU in use.", "memory_used"),
        ("memory_bytes", "Memory of a GPU.", "memory_total"),
        ("temperature_celsius", "Of a GPU.", "celsius"),
        ("power_watts", "Drawn by a GPU.", "watts"),
    )
    for name, text, field in figures:
        family = GaugeMetricFamily(f"mattebox_gpu_{name}", text, labels=["gpu", "name"])
        for index, card in enumerate(cards):
            value = getattr(card, field)
            if value is not None:
                family.add_metric([str(index), card.name], value)
        yield family
