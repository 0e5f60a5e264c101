"""What can be checked in a configuration without opening a device: are its files there?"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from appliance.config.load import LoadedConfig, Mistake
from appliance.config.scenes import in_use
from appliance.config.schemes import Scheme, SourceScheme
from appliance.config.secrets import Secret, credentials_elsewhere, references, trouble
from appliance.config.settings import Section, Settings
from appliance.config.uris import (
    background_scheme,
    files_of,
    output_scheme,
    scheme_of,
    source_scheme,
)
from appliance.errors import AvatarError, MissingDependency, ModelError
from appliance.networks.folders import model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest
from appliance.networks.tasks import Task
from appliance.outputs.rtsp import certificate
from appliance.stages.select import wanted as select
from appliance.system.redact import redact


def mistakes(
    loaded: LoadedConfig, *, as_service: bool = True, every_scene: bool = False
) -> list[Mistake]:
    """Every file and secret that the settings name but that cannot be used, and where it is named.

    Only the service has its credentials: without ``as_service`` their absence is not a mistake.
    Of the scenes, the one that mattebox starts with is looked at, or all of them: a picture that
    is missing in another must not keep the appliance from starting.
    """
    settings = loaded.settings
    found = list(_mistakes(settings, as_service))
    known = set(found)
    for index, scene in enumerate(settings.scenes):
        if not every_scene and scene.name != settings.scene:
            continue
        written = scene.settings.written()
        for key, problem in _mistakes(in_use(settings, scene.name), as_service):
            # A stage that a scene switches on may want something that is set outside.
            place = f".{key}" if key in written else ""
            if (key, problem) not in known:
                found.append((f"scenes.{index}.settings{place}", problem))
    return [Mistake(loaded.origin(key), key, problem) for key, problem in found]


def _mistakes(settings: Settings, as_service: bool) -> Iterator[tuple[str, str]]:
    """Each key at fault, and what is wrong."""
    source, background = settings.source.uri, settings.background.uri
    for key, uri, scheme in (
        ("source.uri", source, source_scheme(source)),
        ("background.uri", background, background_scheme(background)),
    ):
        for path in files_of(uri, scheme):
            folder = isinstance(scheme, SourceScheme) and scheme.folders
            wrong = unreadable(path, folder=folder)
            if wrong:
                yield key, f"{path}: {wrong}"
        wrong = networkless(scheme) if scheme is not None else None
        if wrong:
            yield key, wrong
    wrong = avatarless(source)
    if wrong:
        yield "source.uri", wrong
    for index, output in enumerate(settings.outputs):
        for path in files_of(output.uri, output_scheme(output.uri)):
            wrong = unwritable(path)
            if wrong:
                yield f"outputs.{index}.uri", f"{path}: {wrong}"
    for key, problem in troubles_with_secrets(settings):
        if as_service or not credentials_elsewhere(problem):
            yield key, problem
    for key, problem in certificate.problems(settings.rtsp):
        yield key, problem
    for key, problem in select.mistakes(settings.stages.select):
        yield key, problem
    interpolate = settings.stages.interpolate
    if interpolate.enabled and interpolate.model != "builtin":
        for line in useless(interpolate.model, "between"):
            yield "stages.interpolate.model", line
    if settings.stages.style.wanted:
        # It reads the whole table, for which it loads what the frame's path is made of.
        from appliance.stages.looks.make import problems

        for key, problem in problems(settings.stages.style):
            yield f"stages.style.{key}", problem
    try:
        manifest, model = load_manifest(find_manifest(settings.matting.model, model_folders()))
        wrong = unreadable(model)
    except ModelError as error:
        for line in str(error).splitlines():
            yield "matting.model", line
        return
    if wrong:
        yield "matting.model", f"{model}: {wrong}"
    elif settings.matting.runtime == "tensorrt":
        wrong = engineless(manifest, model)
        if wrong:
            yield "matting.runtime", wrong


def useless(name: str, task: Task) -> list[str]:
    """Why the network of this name or path cannot do ``task``; nothing if its files are there."""
    try:
        _, model = load_manifest(find_manifest(name, model_folders()), task=task)
    except ModelError as error:
        return str(error).splitlines()
    wrong = unreadable(model)
    return [f"{model}: {wrong}"] if wrong else []


def troubles_with_secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each unavailable secret: its key, and the reason with the remedy."""
    for name in Settings.model_fields:
        section = getattr(settings, name)
        for key, value in section if isinstance(section, Section) else ():
            if isinstance(value, Secret) and value.problem:
                yield f"{name}.{key}", value.problem
    for index, output in enumerate(settings.outputs):
        for key, value in output:
            if isinstance(value, Secret) and value.problem:
                yield f"outputs.{index}.{key}", value.problem
    uris = [("source.uri", settings.source.uri)]
    for index, output in enumerate(settings.outputs):
        scheme = output_scheme(output.uri)
        if scheme is not None and scheme.takes_references:
            uris.append((f"outputs.{index}.uri", output.uri))
    for key, uri in uris:
        for reference in references(uri):
            problem = trouble(reference)
            if problem:
                yield key, problem


def networkless(scheme: Scheme) -> str | None:
    """Why a scheme's network cannot be used here, and the remedy; None if it can or has none."""
    name, folders = scheme.network, model_folders()
    if not name:
        return None
    get = f"get it with: mattebox model add {name}"
    if not any((folder / name / "manifest.yaml").is_file() for folder in folders):
        return f"{scheme.names[0]}:// needs the network {name}, which is not installed; {get}"
    try:
        load_manifest(find_manifest(name, folders), task=None)
    except ModelError as error:
        return f"{str(error).splitlines()[0]}; {scheme.names[0]}:// needs it; {get} --replace"
    return None


def avatarless(uri: str) -> str | None:
    """Why the avatar of an address cannot be played, and the remedy; None if it can, or is none."""
    if scheme_of(uri) != "avatar":
        return None
    # Only here: it takes numpy, and check is to be quick.
    from appliance.avatars.avatar import find_avatar, load_avatar

    try:
        load_avatar(find_avatar(uri.partition("://")[2]))
    except AvatarError as error:
        return str(error)
    return None


def engineless(manifest: Manifest, model: Path) -> str | None:
    """Why TensorRT, if insisted on, cannot run a network here, and the remedy; None if it can."""
    from appliance.networks.plans.here import engine_here

    try:
        engine_here(manifest, model)
    except (MissingDependency, ModelError) as error:
        return f"tensorrt cannot run here: {error}; or let auto choose"
    return None


def unreadable(path: Path, *, folder: bool = False) -> str | None:
    """Why a file cannot be read, and the remedy; None if it can. Never blocks on a FIFO.

    ``folder``: whether it may be a folder, too.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"cannot be read ({reason}); name a file that is there"
    if folder and stat.S_ISDIR(status.st_mode):
        if os.access(path, os.R_OK | os.X_OK):
            return None
        return "may not be read by this user; change its permissions (chmod +rx)"
    if not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
        return f"is {kinds.get(stat.S_IFMT(status.st_mode), 'a device')}; expected a file"
    if status.st_size == 0:
        return "is empty (0 bytes); name a file with something in it"
    if not os.access(path, os.R_OK):
        return "may not be read by this user; change its permissions (chmod +r)"
    return None


def unwritable(path: Path) -> str | None:
    """Why a file cannot be created there, and the remedy; None if it can."""
    folder = path.parent
    if not folder.is_dir():
        return f"the folder {folder} is not there; make it, or name another"
    if path.is_dir():
        return "is a directory; name a file"
    if path.exists() and not path.is_file():
        return "is there and is not a plain file; name another"
    # A recording never overwrites: if the name is taken, the next free one is used.
    if not os.access(folder, os.W_OK):
        return f"this user may not write in {folder}; change its permissions, or name another"
    return None


def summary(settings: Settings) -> list[str]:
    """The settings that matter most, one line each."""
    lines = [
        f"source      {redact(settings.source.uri)}",
        f"background  {settings.background.uri}",
        f"model       {settings.matting.model}",
    ]
    for scene in settings.scenes:
        lines.append(
            f"scene       {scene.name}{', to start with' * (scene.name == settings.scene)}"
        )
    return lines + [f"output      {redact(output.uri)}" for output in settings.outputs]
