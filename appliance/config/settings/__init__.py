"""The settings: what may stand in ``config.yaml``, with ranges and defaults; a file a section.

Every model is frozen, refuses unknown keys, and refuses NaN and infinities. Reading the file is
the job of ``config/load.py``, and turning a mistake into a sentence that of ``config/validate.py``.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from appliance.config.settings.background import Background
from appliance.config.settings.base import Section, rule
from appliance.config.settings.canvas import Canvas
from appliance.config.settings.clean import Clean
from appliance.config.settings.composite import Composite
from appliance.config.settings.http import Http
from appliance.config.settings.load import Load
from appliance.config.settings.log import Log
from appliance.config.settings.matting import Matting
from appliance.config.settings.outputs import Output, Outputs, default_outputs
from appliance.config.settings.refine import Refine
from appliance.config.settings.roi import Roi
from appliance.config.settings.rtsp import Rtsp, check_outputs
from appliance.config.settings.source import Source
from appliance.config.settings.steady import Steady
from appliance.config.uris import path_of

__all__ = [
    "Background", "Canvas", "Clean", "Composite", "Http", "Load", "Log", "Matting", "Output",
    "Refine", "Roi", "Rtsp", "Section", "Settings", "Source", "Steady",
]  # fmt: skip


class Settings(Section):
    """The whole file."""

    source: Source = Source()
    canvas: Canvas = Canvas()
    background: Background = Background()
    matting: Matting = Matting()
    roi: Roi = Roi()
    clean: Clean = Clean()
    steady: Steady = Steady()
    refine: Refine = Refine()
    composite: Composite = Composite()
    load: Load = Load()
    outputs: Outputs = Field(default_factory=default_outputs, description="ways out, all at once")
    rtsp: Rtsp = Rtsp()
    http: Http = Http()
    log: Log = Log()

    @model_validator(mode="after")
    def _streams_are_guarded(self) -> Settings:
        check_outputs(self.rtsp, [output.uri for output in self.outputs])
        return self

    @model_validator(mode="after")
    def _outputs_spare_the_inputs(self) -> Settings:
        """An output that overwrote the clip it is made from would lose the user's file."""
        inputs = {
            path_of(uri): key
            for key, uri in (
                ("source.uri", self.source.uri),
                ("background.uri", self.background.uri),
            )
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
