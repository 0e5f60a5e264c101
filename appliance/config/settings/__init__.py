"""The settings: what ``config.yaml`` may hold, with ranges and defaults; one file per section.

Every model is frozen, refuses unknown keys, and refuses NaN and infinities. Reading the file is
the job of ``config/load.py``, and turning a mistake into a sentence that of ``config/validate.py``.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from appliance.config.schemes import BACKGROUNDS
from appliance.config.settings.background import BackgroundSettings
from appliance.config.settings.base import Section, rule
from appliance.config.settings.canvas import CanvasSettings
from appliance.config.settings.clean import CleanSettings
from appliance.config.settings.edge import EdgeSettings
from appliance.config.settings.face import FaceSettings
from appliance.config.settings.http import HttpSettings
from appliance.config.settings.load import LoadSettings
from appliance.config.settings.log import LogSettings
from appliance.config.settings.matting import MattingSettings
from appliance.config.settings.outputs import (
    Companion,
    Outputs,
    OutputSettings,
    default_outputs,
)
from appliance.config.settings.refine import RefineSettings
from appliance.config.settings.roi import RoiSettings
from appliance.config.settings.rtsp import RtspSettings, check_outputs
from appliance.config.settings.scenes import (
    NO_SCENE,
    SceneOrNone,
    Scenes,
    SceneSettings,
)
from appliance.config.settings.sessions import SessionsSettings
from appliance.config.settings.sound import SoundSettings
from appliance.config.settings.source import SourceSettings
from appliance.config.settings.stages import StagesSettings
from appliance.config.settings.steady import SteadySettings
from appliance.config.settings.voice import VoiceSettings
from appliance.config.uris import (
    background_scheme,
    files_of,
    output_scheme,
    path_of,
    scheme_of,
    source_scheme,
)

__all__ = [
    "BackgroundSettings", "CanvasSettings", "CleanSettings", "Companion", "EdgeSettings",
    "FaceSettings",
    "HttpSettings", "LoadSettings", "LogSettings", "MattingSettings", "OutputSettings",
    "RefineSettings", "RoiSettings", "RtspSettings", "SceneSettings", "Section",
    "SessionsSettings", "Settings", "SoundSettings", "SourceSettings",
    "StagesSettings", "SteadySettings", "VoiceSettings",
]  # fmt: skip


class Settings(Section):
    """The whole file."""

    source: SourceSettings = SourceSettings()
    sound: SoundSettings = SoundSettings()
    voice: VoiceSettings = VoiceSettings()
    face: FaceSettings = FaceSettings()
    canvas: CanvasSettings = CanvasSettings()
    background: BackgroundSettings = BackgroundSettings()
    matting: MattingSettings = MattingSettings()
    roi: RoiSettings = RoiSettings()
    clean: CleanSettings = CleanSettings()
    steady: SteadySettings = SteadySettings()
    refine: RefineSettings = RefineSettings()
    edge: EdgeSettings = EdgeSettings()
    stages: StagesSettings = StagesSettings()
    load: LoadSettings = LoadSettings()
    outputs: Outputs = Field(default_factory=default_outputs, description="ways out, all at once")
    rtsp: RtspSettings = RtspSettings()
    http: HttpSettings = HttpSettings()
    sessions: SessionsSettings = SessionsSettings()
    log: LogSettings = LogSettings()
    scene: SceneOrNone = Field(
        NO_SCENE, description="the scene with which mattebox starts; none: the settings above"
    )
    scenes: Scenes = Field((), description="named sets of settings to switch between")

    def with_scene(self, scene: SceneSettings | None) -> Settings:
        """These settings with a scene's laid over them, and without scenes of their own.

        Raises pydantic's ValidationError when the two do not go together.
        """
        data: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        data |= {"scene": NO_SCENE, "scenes": ()}
        if scene is not None:
            data |= _over(self, scene.settings)
        return type(self).model_validate(data)

    @property
    def keys(self) -> bool:
        """Whether the keyer works, with a network or by itself."""
        return self.stages.keyer.enabled or self.matting.keyer

    @property
    def conversion(self) -> bool:
        """Whether a file becomes files, and nobody watches while it does."""
        source = None if self.source.uri == "auto" else source_scheme(self.source.uri)
        outputs = [output_scheme(output.uri) for output in self.outputs]
        return all(scheme is not None and scheme.has_file for scheme in (source, *outputs))

    @property
    def companions(self) -> tuple[Companion, ...]:
        """What outputs ask for beside the composite, each once."""
        asked = (output.companion for output in self.outputs)
        return tuple(dict.fromkeys(one for one in asked if one is not None))

    @property
    def needs_layer(self) -> bool:
        """Whether the person is wanted apart from what is behind."""
        return self.stages.needs_layer or bool(self.companions)

    @property
    def only_light(self) -> bool:
        """Whether nobody but ``harmonise`` asks for that, and the CPU does without it."""
        return self.stages.only_light and not self.companions

    @property
    def frames_people(self) -> bool:
        """Whether people are moved and brought to size.

        Not over the room itself: they would stand beside their own image.
        """
        scheme = BACKGROUNDS.named(scheme_of(self.background.uri))
        return self.stages.frame.enabled and (scheme is None or scheme.hides_room)

    @property
    def source_in_use(self) -> SourceSettings:
        """``source`` with what is auto in ``loop`` and ``pace`` decided.

        A conversion goes once through, as fast as it can. Whoever has it loop asks for no end, and
        gets it at the file's own speed, not as fast as the disk fills.
        """
        loop = not self.conversion if self.source.loop == "auto" else self.source.loop
        pace = self.source.pace
        if pace == "auto":
            pace = "fast" if self.conversion and not loop else "realtime"
        return self.source.model_copy(update={"loop": loop, "pace": pace})

    @model_validator(mode="after")
    def _streams_are_guarded(self) -> Settings:
        check_outputs(self.rtsp, [output.uri for output in self.outputs])
        return self

    @model_validator(mode="after")
    def _an_avatar_has_no_room(self) -> Settings:
        """Around it is what its footage was keyed from, and what earlier pictures left."""
        background = self.background.uri
        scheme = background_scheme(background)
        if scheme_of(self.source.uri) == "avatar" and scheme is not None and not scheme.hides_room:
            raise rule(
                "background.uri",
                f"found {background}, and an avatar has no room of its own to be shown out of "
                "focus; name a picture, a video, a colour or gradient://",
                "source.uri",
            )
        return self

    @model_validator(mode="after")
    def _outputs_spare_the_inputs(self) -> Settings:
        """An output that overwrote the clip it is made from would destroy the user's file."""
        source, background = self.source.uri, self.background.uri
        inputs = {
            path: key
            for key, uri, scheme in (
                ("source.uri", source, source_scheme(source)),
                ("background.uri", background, background_scheme(background)),
            )
            for path in files_of(uri, scheme)
        }
        for index, output in enumerate(self.outputs):
            path = path_of(output.uri)
            if path is not None and path in inputs:
                raise rule(
                    f"outputs.{index}.uri",
                    f"found {output.uri}, which {inputs[path]} reads; name another",
                    inputs[path],
                )
        return self

    @model_validator(mode="after")
    def _scenes_fit(self) -> Settings:
        """Each scene must be valid together with what it is laid over."""
        names = [scene.name for scene in self.scenes]
        if self.scene not in (NO_SCENE, *names):
            known = ", ".join([NO_SCENE, *names])
            others = [f"scenes.{index}.name" for index in range(len(names))]
            raise rule("scene", f"found {self.scene}; expected one of scenes: {known}", *others)
        for index, scene in enumerate(self.scenes):
            try:
                self.with_scene(scene)
            except ValidationError as error:
                raise _in_scene(f"scenes.{index}.settings", scene, error) from error
        return self


def _over(base: BaseModel, scene: BaseModel) -> dict[str, Any]:
    """The sections of ``base`` that ``scene`` writes something in, as data to be validated."""
    found: dict[str, Any] = {}
    for name in scene.model_fields_set:
        value, old = getattr(scene, name), getattr(base, name)
        if isinstance(value, BaseModel):
            whole = {inner: getattr(old, inner) for inner in type(old).model_fields}
            found[name] = whole | _over(old, value)
        else:
            found[name] = value
    return found


def _in_scene(path: str, scene: SceneSettings, error: ValidationError) -> Exception:
    """The first error of settings with a scene laid over them, as a broken rule of the scene."""
    first = error.errors(include_url=False)[0]
    place = [*map(str, first["loc"])]
    context = first.get("ctx", {})
    keys = [".".join([*place, key]) for key in context.get("keys", ("",))]
    written = scene.settings.written()
    ours = [f"{path}.{key}" for key in keys if key in written]
    others = [key for key in keys if key not in written]
    message = context.get("message") or f"{'.'.join(place)}: {first['msg']}"
    return rule(*[*ours, path][:1], f"{message} (in the scene {scene.name})", *ours[1:], *others)
