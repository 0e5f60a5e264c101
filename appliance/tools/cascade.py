"""``mattebox check --cascade``: each step of the frame path, for a configuration."""

from __future__ import annotations

from appliance.config.settings import Settings
from appliance.errors import MissingDependency, ModelError
from appliance.networks.folders import model_folders
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.stages.cascade import CASCADE, Side, Step
from appliance.tools.bench.kept import KeptFigures, last

_HEAD = ("step", "state", "where", "ms", "when", "what it does")


def lines(settings: Settings) -> list[str]:
    """The cascade as text: where frames stay and why, what was measured, and one line per step.

    Raises ModelError when the network or its manifest cannot be used.
    """
    side, why = where(settings)
    figures = last(side)
    rows = [_HEAD, *(_row(step, side, settings, figures) for step in CASCADE)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [f"frames stay on the {side.upper()}: {why}", _measured(figures, side), "", *table]


def where(settings: Settings) -> tuple[Side, str]:
    """The side on which frames stay with these settings on this machine, and why."""
    from appliance.networks.plans.here import engine_here

    if settings.matting.runtime == "onnxruntime":
        return "cpu", "matting.runtime is onnxruntime"
    if settings.matting.keyer:
        return "cpu", "the keyer without a network runs on the processor"
    manifest, model = load_manifest(find_manifest(settings.matting.model, model_folders()))
    try:
        engine_here(manifest, model)
    except (MissingDependency, ModelError) as error:
        return "cpu", str(error)
    return "gpu", "the network has a TensorRT plan for this machine"


def _measured(figures: KeptFigures | None, side: Side) -> str:
    if figures is None:
        command = "mattebox bench --gpu" if side == "gpu" else "mattebox bench"
        return f"ms: not measured yet ({command} does)"
    return (
        f"ms: a {figures.size} frame with {figures.model}, on {figures.machine}, "
        f"{figures.measured}, by mattebox bench"
    )


def _row(
    step: Step, side: Side, settings: Settings, figures: KeptFigures | None
) -> tuple[str, ...]:
    on = step.wanted(settings)
    here = step.runs_on(side) is not None
    inside = side == "gpu" and bool(step.within)
    if not here and not inside:
        return (step.name, "-", "-", "-", "-", f"{step.does} ({_other(side)} only)")
    place = f"{side.upper()}, in {step.within}" if inside else side.upper()
    if not on:
        return (step.name, "off", "-", "0", "-", step.does)
    ms = "-"
    if figures is not None and not inside:
        name = step.span if side == "gpu" else step.name
        if name in figures.ms:
            ms = f"{figures.ms[name]:.3f}" if name == step.name else f"in {name!r}"
    state = "reduced" if step.off and not _enabled(step, settings) else "on"
    does = step.off if state == "reduced" else step.does
    return (step.name, state, place, ms, step.when, does)


def _enabled(step: Step, settings: Settings) -> bool:
    """Whether the settings section named after the step is enabled; True if there is none."""
    section = getattr(settings, step.name, None)
    return bool(getattr(section, "enabled", True))


def _other(side: Side) -> str:
    return "CPU" if side == "gpu" else "GPU"
