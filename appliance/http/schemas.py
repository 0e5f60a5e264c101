"""What the API accepts and answers, as types: the OpenAPI schemas are made from these.

The ``title`` is the schema's name, on which clients rely.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.config.settings import (
    BackgroundSettings,
    CleanSettings,
    EdgeSettings,
    SoundSettings,
)
from appliance.config.uris import Allowed

_FIT = BackgroundSettings.model_fields["fit"].description
_RADIUS = BackgroundSettings.model_fields["blur_radius"].description
_CHOKE = EdgeSettings.model_fields["choke"].description
_SOFTNESS = EdgeSettings.model_fields["softness"].description
_PEOPLE = CleanSettings.model_fields["keep"].description

_SOUND = {name: field.description for name, field in SoundSettings.model_fields.items()}

_BACKGROUND = Allowed(
    "the name of one of /api/backgrounds, colour:#RRGGBB, gradient:// or blur://, 1 to 300 "
    "characters"
)

People = Literal["taking-part", "all", "largest"]


class AnswerModel(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BodyModel(BaseModel):
    """A request: strict about names and types, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ProblemAnswer(AnswerModel, title="Problem"):
    """Why something was not done."""

    error: str = Field(description="what was found, what was expected, what to do")


class ChangeBody(BodyModel, title="Change"):
    """What is to be changed; what is left out, or null, stays."""

    background: Annotated[str | None, _BACKGROUND] = Field(
        None,
        min_length=1,
        max_length=300,
        description="the name of one of the backgrounds, colour:#RRGGBB, gradient://, or blur:// "
        "(which does NOT hide the room)",
    )
    fit: Literal["fill", "fit"] | None = Field(None, description=_FIT)
    blur_radius: float | None = Field(None, gt=0, le=0.25, description=_RADIUS)
    edge_choke: float | None = Field(None, ge=-16, le=16, description=_CHOKE)
    edge_softness: float | None = Field(None, ge=0, le=32, description=_SOFTNESS)
    people: People | None = Field(None, description=_PEOPLE)
    keep: bool = Field(
        False,
        description="write it into the configuration file, and with it what was changed before and "
        "not kept; otherwise it lasts until the file is saved next, a reset, or a restart",
    )


class ResetBody(BodyModel, title="Reset"):
    """A reset takes no choices: an empty object."""


class PictureAnswer(AnswerModel, title="Picture"):
    """The settings that can be changed here."""

    background: str = Field(description="a name of the folder's, or an address")
    hides_room: bool = Field(description="false for blur://, which is the real scene out of focus")
    fit: Literal["fill", "fit"]
    blur_radius: float
    edge_choke: float = Field(description=_CHOKE)
    edge_softness: float = Field(description=_SOFTNESS)
    people: People


class ChangedAnswer(AnswerModel, title="Changed"):
    """What a change came to."""

    picture: PictureAnswer
    changed: list[str] = Field(description="sections that differ now; empty when nothing did")
    kept: bool = Field(description="whether it stands in the configuration file now")
    note: str | None = Field(None, description="what else there is to know, in words")


class StagesBody(BodyModel, title="StagesChange"):
    """What is to be changed in the optional stages; what is left out stays."""

    stages: dict[str, dict[str, bool | int | float | str]] = Field(
        description="by the stage's name, its settings by name, as /api/stages lists them"
    )
    keep: bool = Field(False, description="as for /api/picture")


class StageField(AnswerModel, title="StageField"):
    """One setting of a stage."""

    name: str
    kind: Literal["switch", "number", "whole number", "choice", "text", "secret"]
    description: str
    allowed: str = Field(description="what it may hold, in words")
    minimum: float | None
    maximum: float | None
    choices: list[str] = Field(description="for a choice: what there is")
    value: bool | int | float | str


class StageAnswer(AnswerModel, title="Stage"):
    """One optional stage of the frame's path."""

    name: str
    title: str
    description: str
    enabled: bool
    resting: str | None = Field(description="why it is left out for now, if it failed")
    mean_ms: float | None = Field(description="what it takes, on the frames for which it was run")
    fields: list[StageField]


class StagesAnswer(AnswerModel, title="Stages"):
    """The optional stages, in the order of the path."""

    stages: list[StageAnswer]


class SwitchBody(BodyModel, title="Switch"):
    """How to switch to a scene."""

    dissolve_frames: int | None = Field(
        None, ge=0, le=600, description="frames of the dissolve, if not the scene's own; 0: a cut"
    )


class SceneAnswer(AnswerModel, title="SceneEntry"):
    """One scene."""

    name: str
    key: str = Field(description="the key that switches to it on the page; none: no key does")
    dissolve_frames: int
    active: bool
    settings: list[str] = Field(description="what it sets, as dotted keys of the configuration")


class ScenesAnswer(AnswerModel, title="Scenes"):
    """The scenes of the configuration, and which of them is on."""

    active: str = Field(description="its name; none: no scene is on")
    scenes: list[SceneAnswer]


class SwitchedAnswer(AnswerModel, title="Switched"):
    """What a switch came to."""

    active: str = Field(description="the scene that is on now; none: no scene is")
    changed: list[str] = Field(description="sections that differ now; empty when nothing did")
    dissolve_frames: int = Field(description="frames of the dissolve; 0: it was a cut")
    note: str | None = Field(description="why it was a cut where a dissolve was asked for")


class PlateBody(BodyModel, title="PlateWish"):
    """What is wished of the learnt room."""

    wish: Literal["learn", "forget"] = Field(
        description="learn: nobody is in view, learn all of it anew; forget: start over"
    )
    seconds: float = Field(3.0, ge=1, le=60, description="how long to learn")


class PlateAnswer(AnswerModel, title="Plate"):
    """What is known of the empty room."""

    state: Literal["idle", "learning", "learnt", "refused"]
    why: str = Field(description="why it was refused; else empty")
    known: float = Field(description="the part of the picture that is known, 0 to 1")
    used: bool = Field(description="whether it serves the matte now: not while it is in doubt")


class SoundBody(BodyModel, title="SoundChange"):
    """What is to be changed of the sound; what is left out, or null, stays."""

    volume: float | None = Field(None, ge=-60, le=20, description=_SOUND["volume"])
    mute: bool | None = Field(None, description=_SOUND["mute"])
    delay_ms: int | None = Field(None, ge=0, le=2000, description=_SOUND["delay_ms"])
    with_placeholder: Literal["keep", "mute"] | None = Field(
        None, description=_SOUND["with_placeholder"]
    )
    keep: bool = Field(False, description="as for /api/picture")


class SoundAnswer(AnswerModel, title="Sound"):
    """How the sound is doing, and what it is set to. Totals are since the start."""

    uri: str = Field(description="the microphone's address; source: the source's own sound; none")
    state: Literal["live", "opening", "waiting", "none"] = Field(
        description="waiting: a microphone failed and will soon be tried again"
    )
    words: str = Field(description="what is to be heard, or why there is silence")
    reopened: int = Field(description="times that the microphone was opened again")
    level_db: float = Field(
        description="mean power of 400 ms that went out, dBFS: 0 for a sine at full scale, -100 "
        "for silence"
    )
    peak_db: float = Field(description="its loudest sample, dBFS")
    missing_s: float = Field(description="silence sent where sound should have come, seconds")
    late_s: float = Field(description="sound that came after its time and was left out, seconds")
    cuts: int = Field(description="times that sound did not join on to what came before")
    clipped: int = Field(description="samples too loud for 16 bits after sound.volume")
    volume: float = Field(description=_SOUND["volume"])
    mute: bool = Field(description=_SOUND["mute"])
    delay_ms: int = Field(description=_SOUND["delay_ms"])
    with_placeholder: Literal["keep", "mute"] = Field(description=_SOUND["with_placeholder"])


class EntryAnswer(AnswerModel, title="Entry"):
    """One background of the folder."""

    name: str
    kind: Literal["picture", "video"]
    bytes: int
    chosen: bool


class BackgroundsAnswer(AnswerModel, title="Backgrounds"):
    """The folder."""

    folder: str
    entries: list[EntryAnswer]
    upload_bytes: int = Field(description="largest file taken; 0: none is")
    upload_pixels: int = Field(description="largest picture taken")


class UploadedAnswer(AnswerModel, title="Uploaded"):
    """A background that was taken in."""

    name: str = Field(description="its name, which may differ from the one that was asked for")
    width: int
    height: int


class MistakeAnswer(AnswerModel, title="Mistake"):
    """One thing that is wrong with the configuration file as it is now."""

    file: str = Field(description="the file, or the flag or variable")
    line: int = Field(description="from 1; 0 where there is none")
    column: int
    key: str = Field(description="dotted; empty for the whole file")
    message: str = Field(description="what was found, what was expected, what to do")


class ConfigurationAnswer(AnswerModel, title="Configuration"):
    """How the configuration stands."""

    file: str | None
    applied_at: float = Field(description="when the settings in use were taken over, Unix time")
    refused: list[MistakeAnswer] = Field(
        description="why the file as it is now is not used; empty when it is"
    )


class HealthAnswer(AnswerModel, title="Health"):
    """Whether the appliance is alive."""

    alive: bool
    problems: list[str]
    configuration: ConfigurationAnswer


class ReadyAnswer(AnswerModel, title="Ready"):
    """Whether fresh composites go out."""

    ready: bool
    age_s: float | None = Field(description="age of the newest composite; null when it is void")
    reason: str | None = Field(description="why not, in words; null when ready")


class StageTimeAnswer(AnswerModel, title="StageTime"):
    """One step of a frame's path, over the last frames."""

    name: str
    mean_ms: float
    slowest_ms: float = Field(description="95 of 100 passes were quicker")


class LatencyAnswer(AnswerModel, title="Latency"):
    """From a frame's arrival to its composite's leaving, over the last frames."""

    median_ms: float
    slowest_ms: float = Field(description="95 of 100 were quicker")
    held_ms: float = Field(
        description="contained in both: for how long frames wait for those made before them"
    )


class CountersAnswer(AnswerModel, title="Counters"):
    """Totals since the start; a new source starts its own again."""

    taken: int = Field(description="frames that the source gave")
    composites: int
    made: int = Field(description="of these, made between two frames of the source")
    placeholders: int
    failed: int = Field(description="frames for which there was no matte to trust")
    dropped: dict[str, int] = Field(description="frames left out, by place")
    dropped_words: str = Field(description="where and why they were left out; empty for none")


class LoadAnswer(AnswerModel, title="Load"):
    """How hard the machine works, and what is left out so that it keeps up."""

    busy: float = Field(description="time that frames take, as a part of the time there is")
    level: int = Field(description="0: nothing is left out; 5: the most")
    doing: str


class SourceAnswer(AnswerModel, title="Source"):
    """Where the picture comes from."""

    uri: str
    state: str
    reason: str
    reconnects: int


class OutputAnswer(AnswerModel, title="Output"):
    """One way out."""

    uri: str
    what: str = Field(description="what it shows: picture, key, fill, fill-straight or green")
    state: str
    words: str
    clients: int


class EncoderAnswer(AnswerModel, title="Encoder"):
    """An encoder that runs now."""

    name: str
    outputs: int = Field(description="how many take from it")


class StatusAnswer(AnswerModel, title="Status"):
    """How the appliance is."""

    version: str
    state: Literal["live", "placeholder"]
    words: str = Field(description="the state in plain words")
    notes: list[str] = Field(description="what else somebody should know, a sentence each")
    uptime_s: float
    width: int
    height: int
    fps: float = Field(description="frames a second that the canvas stands for")
    people: int
    scene: str = Field(description="the scene that is on; none: no scene is")
    load: LoadAnswer
    frames: CountersAnswer
    latency: LatencyAnswer | None
    stages: list[StageTimeAnswer]
    source: SourceAnswer
    sound: SoundAnswer
    outputs: list[OutputAnswer]
    encoders: list[EncoderAnswer] = Field(
        description="those that run now: one for all outputs of the same settings"
    )
    picture: PictureAnswer
    configuration: ConfigurationAnswer
    temperatures: dict[str, float] = Field(description="degrees Celsius, by thermal zone")
    viewers: int = Field(description="previews being watched")
    whep: int = Field(description="browsers and players that watch by WHEP")
