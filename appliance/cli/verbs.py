"""What each verb of the command line does: load settings from the options, call its module."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from appliance.cli import avatar, engine
from appliance.config.load import Attempt, LoadedConfig, Override, find, schema, to_yaml
from appliance.config.load import attempt as read
from appliance.config.scenes import in_use
from appliance.config.settings import Settings


def attempt(
    options: argparse.Namespace, path: Path | None = None, text: str | None = None
) -> Attempt:
    """The settings that result from the flags, the environment and the file, or what is wrong.

    ``path``: the file to read instead of the one that the options name; ``text``: what to take it
    to hold, if not what it does.
    """
    overrides = [
        Override(key, value, f"--{flag}")
        for flag, key, value in (
            ("source", "source.uri", options.source),
            ("background", "background.uri", options.background),
            ("model", "matting.model", options.model),
        )
        if value is not None
    ]
    if options.outputs:
        outputs = json.dumps([{"uri": uri} for uri in options.outputs])
        overrides.append(Override("outputs", outputs, "--output"))
    overrides += [Override(key, value) for key, value in options.settings]
    if options.verbose:
        overrides.append(Override("log.level", "debug", "--verbose"))
    if path is None:
        path = options.config if options.config is not None else find()
    return read(path, env=os.environ, overrides=overrides, text=text)


def _start(options: argparse.Namespace) -> LoadedConfig:
    """Load the settings, set up the log, and refuse what cannot work, before opening anything."""
    from appliance.system import log, memory
    from appliance.tools import check

    tried = attempt(options)
    if tried.loaded is None:
        return tried.result()
    memory.require()
    settings = tried.loaded.settings
    log.configure(settings.log.level, settings.log.format)
    return tried.result(check.mistakes(tried.loaded))


def _load_again(options: argparse.Namespace, path: Path | None, text: str | None) -> LoadedConfig:
    """The settings as they are now, for a running daemon; refused as at the start."""
    return _checked(attempt(options, path, text))


def _checked(tried: Attempt, *, as_service: bool = True, scenes: bool = False) -> LoadedConfig:
    """The settings with their files there. Raises InvalidConfig with the mistakes of both kinds."""
    from appliance.tools import check

    if tried.loaded is None:
        return tried.result()
    found = check.mistakes(tried.loaded, as_service=as_service, every_scene=scenes)
    return tried.result(found)


def run(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    loaded = _start(options)
    from appliance.service.run import run as serve
    from appliance.service.status_line import say

    say(f"configuration: {loaded.path or 'defaults (no config.yaml found)'}", sys.stderr)
    return serve(
        loaded,
        duration=options.duration,
        frames=options.frames,
        # The same file each time: another that ``find`` would come upon, should this one be gone,
        # and least of all the defaults, is not what was started.
        again=lambda path=None, text=None: _load_again(options, path or loaded.path, text),
    )


def reload(options: argparse.Namespace) -> int:
    """Ask the running appliance to reload."""
    from appliance.service import control_client

    return control_client.run(options.config, options.pid, options.timeout)


def scene(options: argparse.Namespace) -> int:
    """Ask the running appliance to switch to a scene, or which there are."""
    from appliance.service import control_client

    return control_client.switch(
        options.name, options.dissolve, options.config, options.pid, options.timeout
    )


def check(options: argparse.Namespace) -> int:
    """Validate, and say OK or every mistake."""
    if options.schema:
        print(json.dumps(schema(), indent=2, ensure_ascii=False))
        return 0
    from appliance.tools import check as checks

    loaded = _checked(attempt(options), as_service=False, scenes=True)
    if options.cascade:
        from appliance.tools import cascade

        print("\n".join(cascade.lines(in_use(loaded.settings))))
    elif options.print:
        print(to_yaml(loaded.settings), end="")
    else:
        print(f"OK: {loaded.path or 'defaults (no config.yaml found)'}")
        for line in checks.summary(loaded.settings):
            print(f"  {line}")
        for key, problem in checks.troubles_with_secrets(loaded.settings):
            print(f"  not checked: {key}: {problem}")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Examine the machine."""
    from appliance.tools.doctor import report

    tried = attempt(options)
    # Faults in the file must not hide faults of the machine.
    settings = Settings() if tried.loaded is None else tried.loaded.settings
    wrong = [report.Finding("bad", "settings", str(mistake)) for mistake in tried.mistakes]
    return report.run(settings, as_json=options.json, first=wrong)


def devices(options: argparse.Namespace) -> int:
    """List what is plugged in."""
    from appliance.tools import devices

    return devices.run(as_json=options.json)


def bench(options: argparse.Namespace) -> int:
    """Measure."""
    loaded = _start(options)
    from appliance.tools.bench import run as bench

    return bench.run(in_use(loaded.settings), options)


def snapshot(options: argparse.Namespace) -> int:
    """Write a picture of what the appliance sees and makes of it."""
    loaded = _start(options)
    from appliance.tools import snapshot

    return snapshot.run(in_use(loaded.settings), options.out, frames=options.frames)


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "reload": reload,
    "scene": scene,
    "check": check,
    "doctor": doctor,
    "devices": devices,
    "bench": bench,
    "snapshot": snapshot,
    "engine": engine.engine,
    "model": engine.model,
    "avatar": avatar.avatar,
}
