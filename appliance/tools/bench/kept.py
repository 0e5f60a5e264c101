"""What the steps cost when they were last measured here, kept for ``mattebox check --cascade``."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from appliance.stages.cascade import Side
from appliance.system import folders

_NAME = "steps-{side}.json"


@dataclass(frozen=True, slots=True)
class KeptFigures:
    """One measurement.

    Attributes:
        machine: processor and cores, or the GPU's name. measured: when, ISO 8601, UTC.
        size: of the pictures, WIDTHxHEIGHT. model: the network's name.
        ms: by step (on the GPU by span of launches), milliseconds a frame over all frames. On the
            CPU the thread's own time.
    """

    machine: str
    measured: str
    size: str
    model: str
    ms: dict[str, float]


_READ = TypeAdapter(KeptFigures)


def keep(side: Side, machine: str, size: str, model: str, ms: dict[str, float]) -> Path | None:
    """Keep figures measured now in place of the last ones; None where no folder takes them."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    text = json.dumps(asdict(KeptFigures(machine, now, size, model, ms)), indent=1)
    for folder in folders.caches("bench"):
        path = folder / _NAME.format(side=side)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=folder, encoding="utf-8", delete=False
            ) as file:
                file.write(text)
            os.replace(file.name, path)
        except OSError:
            continue
        return path
    return None


def last(side: Side) -> KeptFigures | None:
    """The last measurement; None where there is none that can be read."""
    for folder in folders.caches("bench"):
        try:
            return _READ.validate_json((folder / _NAME.format(side=side)).read_bytes())
        except (OSError, ValidationError):
            continue
    return None
