"""The optional stages over HTTP: what there is to set in each, and how it is doing.

All of it is made from the settings' own sections, so a new stage needs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from appliance.config.settings import StagesSettings
from appliance.config.validate import section_of
from appliance.config.write_back import Value
from appliance.daemon.daemon import Daemon
from appliance.errors import InputError
from appliance.http.fields import check_path, field_of
from appliance.http.schemas import PlateAnswer, StageAnswer, StagesAnswer, StagesBody
from appliance.stages.cascade import CASCADE
from appliance.system.redact import redact


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in StagesSettings.model_fields.items():
        section = section_of(field)
        assert section is not None, name
        yield name, section


@cache
def stage_keys() -> tuple[str, ...]:
    """Every setting of a stage, as a dotted key of the configuration."""
    return tuple(
        f"stages.{name}.{key}" for name, section in _sections() for key in section.model_fields
    )


def stages(daemon: Daemon) -> StagesAnswer:
    """Every stage, in the order of the path."""
    return StagesAnswer(stages=[_stage(name, section, daemon) for name, section in _sections()])


def _stage(name: str, section: type[BaseModel], daemon: Daemon) -> StageAnswer:
    settings = getattr(daemon.settings.stages, name)
    steps = steps_of(name)
    resting = daemon.pipeline.resting
    why = next((resting[step] for step in steps if step in resting), None)
    times = [list(stage.wall_ns) for step in steps if (stage := _timed(daemon, step)) is not None]
    mean = sum(sum(each) / len(each) for each in times if each) / 1e6 if times else None
    return StageAnswer(
        name=name, title=str(section.model_config.get("title") or name),
        description=" ".join((section.__doc__ or "").split()),
        enabled=settings.enabled, resting=None if why is None else redact(why),
        mean_ms=mean if settings.enabled else None,
        fields=[field_of(key, field, getattr(settings, key))
                for key, field in section.model_fields.items() if key != "enabled"],
    )  # fmt: skip


def plate_answer(daemon: Daemon) -> PlateAnswer:
    """What is known of the empty room, by the last frame."""
    status = daemon.pipeline.plate.status
    return PlateAnswer(
        state=status.state, why=redact(status.why), known=status.known, used=status.used
    )


def steps_of(stage: str) -> tuple[str, ...]:
    """The names of the steps that belong to a stage."""
    return tuple(step.name for step in CASCADE if (step.stage or step.name) == stage)


def _timed(daemon: Daemon, step: str) -> Any:
    return daemon.pipeline.clock.stages.get(step)


def wanted_of(body: StagesBody) -> dict[str, Value]:
    """What a request is to change, as dotted key -> value.

    Raises InputError for a stage or a setting that there is not, and for a path: whoever may steer
    the picture may not thereby have any file of the machine opened.
    """
    found: dict[str, Value] = {}
    sections = dict(_sections())
    for name, changes in body.stages.items():
        if name not in sections:
            raise InputError(f"there is no stage {name[:50]!r}; there are {', '.join(sections)}")
        fields = sections[name].model_fields
        for key, value in changes.items():
            if key not in fields:
                raise InputError(
                    f"{name}: there is no setting {key[:50]!r}; there are {', '.join(fields)}"
                )
            check_path(f"{name}.{key}", fields[key], value)
            found[f"stages.{name}.{key}"] = value
    return found


def resting_notes(resting: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each stage that is left out because it failed."""
    for step in CASCADE:
        if step.name in resting:
            yield f"The stage {step.stage or step.name} is left out: {redact(resting[step.name])}"
