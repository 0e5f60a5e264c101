"""The settings: what ``config.yaml`` may hold, with ranges and defaults; one file per section.

Every model is frozen, refuses unknown keys, and refuses NaN and infinities. Reading the file is
the job of ``config/load.py``, and turning a mistake into a sentence that of ``config/validate.py``.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from appliance.config.schemes import BACKGROUNDS
from appliance.config.settings.background import BackgroundSettings
from appliance.config.settings.base import Section, rule
from appliance.config.settings.canvas import CanvasSettings
from appliance.config.settings.clean import CleanSettings
from appliance.config.settings.edge import EdgeSettings
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
from appliance.config.settings.source import SourceSettings
from appliance.config.settings.stages import StagesSettings
from appliance.config.settings.steady import SteadySettings
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
    "HttpSettings", "LoadSettings", "LogSettings", "MattingSettings", "OutputSettings",
    "RefineSettings", "RoiSettings", "RtspSettings", "Section", "Settings", "SourceSettings",
    "StagesSettings", "SteadySettings",
]  # fmt: skip


class Settings(Section):
    """The whole file."""

    source: SourceSettings = SourceSettings()
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
    log: LogSettings = LogSettings()

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
