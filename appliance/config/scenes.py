"""Which settings are in use: those of the file, with one scene's laid over them.

What runs is given settings without scenes; who knows about scenes is whoever changes settings
(``daemon.changes``). The settings with the scenes are called the base here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from appliance.config.settings import Settings
from appliance.config.settings.scenes import NO_SCENE, SceneSettings
from appliance.config.validate import broken
from appliance.errors import ConfigError

_Model = TypeVar("_Model", bound=BaseModel)


def scene_named(base: Settings, name: str) -> SceneSettings | None:
    """The scene of this name, or None for ``NO_SCENE``.

    Raises ConfigError when there is no such scene; the message names those that there are.
    """
    if name == NO_SCENE:
        return None
    for scene in base.scenes:
        if scene.name == name:
            return scene
    known = ", ".join([NO_SCENE, *(scene.name for scene in base.scenes)])
    raise ConfigError(f"there is no scene {name[:50]!r}; there are {known}")


def in_use(base: Settings, name: str | None = None) -> Settings:
    """``base`` with the scene ``name`` laid over it (None: the one to start with), without scenes.

    Raises ConfigError when there is no such scene, or what results is not valid.
    """
    scene = scene_named(base, base.scene if name is None else name)
    try:
        return base.with_scene(scene)
    except ValidationError as error:
        which = f"the scene {scene.name} cannot be: " if scene is not None else ""
        raise ConfigError("\n".join(which + line for line in broken(error))) from error


def absorbed(base: Settings, name: str, old: Settings, new: Settings) -> Settings:
    """``base`` after a change of the settings in use from ``old`` to ``new``, while ``name`` is on.

    What the scene on sets is changed in the scene; all else outside. So the change is still there
    when the scene is left and taken up again, and what other scenes set is theirs.
    """
    before = dict(leaves(old))
    values = {key: value for key, value in leaves(new) if before[key] != value}
    scene = scene_named(base, name)
    if scene is None:
        return replaced(base, values)
    own = scene.settings.written()
    mine = {key: value for key, value in values.items() if key in own}
    theirs = {key: value for key, value in values.items() if key not in own}
    settings = replaced(scene.settings, mine)
    scenes = tuple(
        one.model_copy(update={"settings": settings}) if one is scene else one
        for one in base.scenes
    )
    return replaced(base, theirs).model_copy(update={"scenes": scenes})


def leaves(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Every setting that is not about scenes, as (dotted key, value); a list is one value."""
    for name in type(settings).model_fields:
        if name not in ("scene", "scenes"):
            yield from _leaves(name, getattr(settings, name))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _leaves(f"{path}.{name}", getattr(value, name))
    else:
        yield path, value


def replaced(section: _Model, values: Mapping[str, Any]) -> _Model:
    """``section`` with values (dotted key -> value) put in, which have been validated elsewhere."""
    inner: dict[str, dict[str, Any]] = {}
    update: dict[str, Any] = {}
    for key, value in values.items():
        name, _, rest = key.partition(".")
        if rest:
            inner.setdefault(name, {})[rest] = value
        else:
            update[name] = value
    for name, changes in inner.items():
        update[name] = replaced(getattr(section, name), changes)
    return section.model_copy(update=update)
