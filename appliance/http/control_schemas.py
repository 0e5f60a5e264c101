"""What the API accepts and answers about ways in and out, recordings, settings, log and file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.http.schemas import AnswerModel, BodyModel, MistakeAnswer, StageField

Setting = bool | int | float | str


class SectionAnswer(AnswerModel, title="Section"):
    """One section of the settings."""

    name: str
    title: str
    description: str
    fields: list[StageField]


class SectionsAnswer(AnswerModel, title="Sections"):
    """Sections that can be set while running."""

    sections: list[SectionAnswer]


class SectionsBody(BodyModel, title="SectionsChange"):
    """What is to be changed; what is left out stays."""

    sections: dict[str, dict[str, Setting]] = Field(
        description="by the section's name, its settings by name, as a GET lists them"
    )
    keep: bool = Field(False, description="as for /api/picture")


class OutputBody(BodyModel, title="OutputWish"):
    """An output to add."""

    uri: str = Field(
        min_length=1,
        max_length=1000,
        description="where the picture goes, as in the configuration; a recording goes into "
        "http.recordings; a reference such as ${env:NAME} is not taken here",
    )
    settings: dict[str, Setting] = Field(
        default_factory=dict, description="what else to set, by name, as /api/outputs lists it"
    )
    keep: bool = Field(False, description="write it into the configuration file, too")


class OutputEntry(AnswerModel, title="OutputEntry"):
    """One output as it can be removed."""

    id: str = Field(description="stays while the output does")
    uri: str = Field(description="the address in use, without passwords")
    what: str = Field(description="what it shows: picture, key, fill, …")
    state: str
    words: str
    clients: int
    recording: bool = Field(description="whether POST /api/recording began it")


class OutputsAnswer(AnswerModel, title="Outputs"):
    """All outputs, and what a new one can be."""

    outputs: list[OutputEntry]
    kinds: list[str] = Field(description="what addresses look like")
    fields: list[StageField] = Field(description="what else can be set, with the defaults")
    note: str | None = Field(None, description="what else there is to know, in words")


class RecordingBody(BodyModel, title="RecordingWish"):
    """Start or stop."""

    do: Literal["start", "stop"]
    format: Literal["mp4", "mkv"] = "mp4"


class RecordingAnswer(AnswerModel, title="Recording"):
    """The recording that is being made, if one is."""

    recording: bool
    name: str | None = Field(description="the file's name, of the last one after a stop")
    seconds: float = Field(description="since it began; 0 without one")
    state: str
    words: str


class RecordingEntry(AnswerModel, title="RecordingEntry"):
    """One finished recording."""

    name: str
    bytes: int
    changed: float = Field(description="when it was last written to, Unix time")


class RecordingsAnswer(AnswerModel, title="Recordings"):
    """The folder of recordings, newest first."""

    folder: str
    free_bytes: int | None = Field(description="room left on its disk; null when it is not known")
    now: RecordingAnswer
    entries: list[RecordingEntry]


class TicketAnswer(AnswerModel, title="Ticket"):
    """A way to fetch a file once, without the token."""

    path: str = Field(description="good for one request within a minute")


class SourceChoice(AnswerModel, title="SourceChoice"):
    """A source that may be chosen over HTTP."""

    uri: str
    words: str
    chosen: bool


class CameraAnswer(AnswerModel, title="Camera"):
    """A camera or a loopback device."""

    uri: str
    name: str
    modes: list[str] = Field(description="format, size and rates, in words")


class DisplayAnswer(AnswerModel, title="Display"):
    """A connector for a screen."""

    connector: str
    connected: bool
    mode: str


class DevicesAnswer(AnswerModel, title="Devices"):
    """What is plugged in, and which sources may be chosen."""

    sources: list[SourceChoice]
    cameras: list[CameraAnswer]
    loopbacks: list[CameraAnswer]
    microphones: list[str] = Field(
        description="as source.sound has them; which one is taken is said in the file only"
    )
    displays: list[DisplayAnswer]
    unusable: list[str] = Field(description="device nodes that do not answer, with the reason")


class SourceBody(BodyModel, title="SourceWish"):
    """A source to change to."""

    uri: str = Field(min_length=1, max_length=1000, description="one that /api/devices lists")
    keep: bool = Field(False, description="as for /api/picture")


class LogLineAnswer(AnswerModel, title="LogLine"):
    """One line of the log."""

    number: int = Field(description="rises by one with each line")
    at: float = Field(description="Unix time")
    level: str
    words: str


class LogAnswer(AnswerModel, title="Log"):
    """The last lines, oldest first, without secrets."""

    lines: list[LogLineAnswer]


class FileAnswer(AnswerModel, title="ConfigurationFile"):
    """The configuration file's text, its secrets struck out."""

    file: str
    text: str = Field(description="*** stands for a secret; left where it is, it is kept")
    version: str = Field(description="also the ETag; to be sent as If-Match")
    may: Literal["limited", "full"] = Field(description="http.editor")


class CheckedAnswer(AnswerModel, title="Checked"):
    """What the checker says of a text."""

    mistakes: list[MistakeAnswer]


class SavedAnswer(AnswerModel, title="Saved"):
    """What came of saving."""

    version: str
    applied: bool = Field(description="whether what runs is what the file says now")
    words: str
