"""``scenes``: named sets of settings, one of which is laid over the others' at a time."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from appliance.config.settings.background import BackgroundSettings
from appliance.config.settings.base import Section, rule
from appliance.config.settings.clean import CleanSettings
from appliance.config.settings.edge import EdgeSettings
from appliance.config.settings.matting import MattingSettings
from appliance.config.settings.refine import RefineSettings
from appliance.config.settings.roi import RoiSettings
from appliance.config.settings.sound import SoundSettings
from appliance.config.settings.source import SourceSettings
from appliance.config.settings.stages import StagesSettings
from appliance.config.settings.steady import SteadySettings
from appliance.config.uris import Allowed

NO_SCENE = "none"
"""In place of a scene's name: the settings as they are outside ``scenes``."""
MOST_SCENES = 32
_NAME = re.compile(r"[^\W_]([\w .-]{0,38}[\w.-])?")
_KEY = re.compile(r"[a-z0-9]|F([1-9]|1[0-2])")

_OUTPUTS_STAY = "a scene changes the picture, not the ways out, which stay as they are"
NOT_IN_A_SCENE = {
    "voice": "who speaks stays: a turn must not end in another voice",
    "canvas": "its size and rate are those of the outputs, which stay as they are",
    "face": "the avatar that speaks stays as it is",
    "load": "what the machine can do is the same in every scene",
    "outputs": _OUTPUTS_STAY,
    "rtsp": _OUTPUTS_STAY,
    "http": "the page and the API stay as they are, or nobody could switch back",
    "sessions": "they are programmes of their own, which no scene of this one concerns",
    "log": "the log stays as it is",
    "scene": "a scene does not switch to another",
    "scenes": "a scene holds no scenes",
}
"""Sections that no scene may have, and why not."""


def _parse_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "expected letters, digits, blanks, points, hyphens and underscores, a letter or a "
            "digit first and no blank last, 40 characters at most"
        )
    if name.casefold() == NO_SCENE:
        raise ValueError("none stands for no scene; give it another name")
    return name


def _parse_key(key: str) -> str:
    if key != "none" and not _KEY.fullmatch(key):
        raise ValueError("expected none, a letter from a to z, a digit, or F1 to F12")
    return key


def _parse_scene(name: str) -> str:
    return NO_SCENE if name == NO_SCENE else _parse_name(name)


_NAME_WORDS = "1 to 40 letters, digits, blanks, points, hyphens and underscores"
SceneName = Annotated[str, AfterValidator(_parse_name), Allowed(_NAME_WORDS)]
SceneKey = Annotated[
    str, AfterValidator(_parse_key), Allowed("none, a letter from a to z, a digit, or F1 to F12")
]
SceneOrNone = Annotated[
    str, AfterValidator(_parse_scene), Allowed("none, or the name of one of scenes")
]


class SceneSource(SourceSettings, title="SceneSource"):
    """``source`` as a scene has it: its rules are judged with the settings around it."""

    @model_validator(mode="after")
    def _retries_grow(self) -> SceneSource:
        return self


class SceneSteady(SteadySettings, title="SceneSteady"):
    """``steady`` as a scene has it: its rules are judged with the settings around it."""

    @model_validator(mode="after")
    def _low_below_high(self) -> SceneSteady:
        return self


class SceneOverrides(Section, title="SceneOverrides"):
    """The settings that a scene changes: only what is written in it counts."""

    source: SceneSource = SceneSource()
    background: BackgroundSettings = BackgroundSettings()
    matting: MattingSettings = MattingSettings()
    roi: RoiSettings = RoiSettings()
    clean: CleanSettings = CleanSettings()
    steady: SceneSteady = SceneSteady()
    refine: RefineSettings = RefineSettings()
    edge: EdgeSettings = EdgeSettings()
    stages: StagesSettings = StagesSettings()
    sound: SoundSettings = SoundSettings()

    def written(self) -> dict[str, Any]:
        """What is written, as dotted key -> value, without defaults."""
        return _written(self, "")

    def __eq__(self, other: object) -> bool:
        # A value that is written is not the same as one left out, even if it is the default.
        return isinstance(other, SceneOverrides) and self.written() == other.written()

    def __hash__(self) -> int:
        return hash(tuple(self.written().items()))


def _written(section: BaseModel, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    # In the order of the fields, whatever the order in the file.
    for name in type(section).model_fields:
        value = getattr(section, name)
        if name not in section.model_fields_set:
            continue
        if isinstance(value, BaseModel):
            found |= _written(value, f"{path}{name}.")
        else:
            found[f"{path}{name}"] = value
    return found


class SceneSettings(Section, title="Scene"):
    """One scene."""

    name: SceneName = Field(description="what it is called, on the page and in the API")
    key: SceneKey = Field("none", description="the key of the keyboard that switches to it, on the "
                          "page")  # fmt: skip
    dissolve_frames: int = Field(
        0,
        ge=0,
        le=600,
        description="frames for which the picture before fades into this one; 0: a cut",
    )
    settings: SceneOverrides = Field(
        SceneOverrides(), description="what is different in it, in sections as in the file itself"
    )


def _are_told_apart(scenes: tuple[SceneSettings, ...]) -> tuple[SceneSettings, ...]:
    names: dict[str, int] = {}
    keys: dict[str, int] = {}
    for index, scene in enumerate(scenes):
        first = names.setdefault(scene.name.casefold(), index)
        if first != index:
            raise rule(f"{index}.name", f"found {scene.name}; scenes.{first} has that name already")
        first = index if scene.key == "none" else keys.setdefault(scene.key, index)
        if first != index:
            raise rule(f"{index}.key", f"found {scene.key}; scenes.{first} has that key already")
    return scenes


Scenes = Annotated[
    tuple[SceneSettings, ...],
    Field(strict=False, max_length=MOST_SCENES),
    AfterValidator(_are_told_apart),
    Allowed(f"a list of up to {MOST_SCENES} scenes, each with its name"),
]
