"""Doctor's look at GStreamer: the elements that Mattebox uses, by what they are for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from appliance.config.schemes import FAMILIES, OUTPUTS, Use
from appliance.config.settings import Settings
from appliance.config.uris import output_scheme
from appliance.errors import MatteboxError
from appliance.system.packages import BASE, UGLY
from appliance.tools.doctor.machine import Finding, State

Has = Callable[[str], bool]

# What every frame goes through; what sources and outputs take besides, their schemes say.
FRAME_PATH = Use(
    "frame path",
    tuple(
        (name, BASE) for name in ("appsrc", "appsink", "videoconvert", "videoscale", "videorate")
    ),
    place=10,
    needed=True,
)


def uses() -> list[Use]:
    """What GStreamer's elements are for, each once, in order."""
    every = [FRAME_PATH]
    every += [use for family in FAMILIES for scheme in family.all() for use in scheme.uses]
    by_name: dict[str, list[Use]] = {}
    for use in sorted(every, key=lambda use: use.place):
        by_name.setdefault(use.name, []).append(use)
    return [_together(same) for same in by_name.values()]


def _together(same: list[Use]) -> Use:
    """Sets of one name as one, with what comes from one package side by side."""
    by_package: dict[str, dict[str, None]] = {}
    for use in same:
        for name, package in use.elements:
            by_package.setdefault(package, {})[name] = None
    return replace(
        same[0],
        elements=tuple((name, pack) for pack, names in by_package.items() for name in names),
        needed=any(use.needed for use in same),
        only_on_jetson=all(use.only_on_jetson for use in same),
    )


def registry() -> tuple[str, Has]:
    """GStreamer's version, and a test for an element by name. Raises MissingDependency."""
    from appliance.media.gst import Gst

    version = Gst.version_string().removeprefix("GStreamer ")
    return version, lambda name: Gst.ElementFactory.find(name) is not None


def has_typelib(namespace: str) -> bool:
    """Whether a GObject introspection namespace of version 1.0 is installed."""
    try:
        import gi

        gi.require_version(namespace, "1.0")
    except (ImportError, ValueError):
        return False
    return True


def gstreamer(
    settings: Settings,
    look: Callable[[], tuple[str, Has]] = registry,
    typelib: Callable[[str], bool] = has_typelib,
) -> list[Finding]:
    """The elements, by what they are for."""
    try:
        version, has = look()
    except MatteboxError as error:
        packages = ("python3-gi", "python3-gst-1.0", "gir1.2-gst-plugins-base-1.0")
        return [Finding("bad", "GStreamer", str(error), packages=packages)]
    found = [Finding("ok", "version", version)]
    configured = {output_scheme(output.uri) for output in settings.outputs}
    for scheme in OUTPUTS.all():
        for library in scheme.libraries:
            if typelib(library.namespace):
                found.append(Finding("ok", library.use, library.name))
                continue
            package = library.package
            state: State = "bad" if scheme in configured else "gap"
            cure = f"apt install {package}"
            found.append(Finding(state, library.use, "absent", cure, (package,)))
    return found + [_use(use, has) for use in uses()]


def _use(use: Use, has: Has) -> Finding:
    missing = {name: package for name, package in use.elements if not has(name)}
    if not missing:
        return Finding("ok", use.name, ", ".join(name for name, _ in use.elements))
    detail = f"without {', '.join(missing)}"
    if use.only_on_jetson:
        return Finding("none", use.name, f"{detail} (part of JetPack)")
    packages = tuple(dict.fromkeys(missing.values()))
    state: State = "bad" if use.needed else "gap"
    return Finding(state, use.name, detail, f"apt install {' '.join(packages)}", packages)


def encoders(settings: Settings) -> list[Finding]:
    """The H.264 encoders in the registry, and which one each output would take."""
    try:
        from appliance.outputs import encoders as known
    except MatteboxError:
        return []  # GStreamer itself is missing, which has been said above
    have = known.available()
    if not have:
        return [Finding("bad", "H.264", "no encoder", f"apt install {UGLY}", packages=(UGLY,))]
    found = [Finding("ok", "H.264", f"{', '.join(have)} (auto takes {have[0]})")]
    from appliance.sources.decoders import hardware

    if decoders := hardware():
        found.append(Finding("ok", "decoding H.264", f"{', '.join(decoders)}, else software"))
    for index, output in enumerate(settings.outputs):
        if output.encoder != "auto":
            try:
                known.choose(output.encoder)
            except MatteboxError as error:
                found.append(Finding("bad", f"outputs.{index}.encoder", str(error)))
    return found
