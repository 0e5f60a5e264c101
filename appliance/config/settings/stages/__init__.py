"""``stages``: the optional models and effects of the frame's path, in the order of the path."""

from __future__ import annotations

from appliance.config.settings.base import Section
from appliance.config.settings.stages.captions import CaptionsSettings
from appliance.config.settings.stages.frame import FramingSettings
from appliance.config.settings.stages.harmonise import HarmoniseSettings
from appliance.config.settings.stages.interpolate import InterpolateSettings
from appliance.config.settings.stages.keyer import KeyerSettings
from appliance.config.settings.stages.mattes import MattesSettings
from appliance.config.settings.stages.motion import MotionSettings
from appliance.config.settings.stages.plate import PlateSettings
from appliance.config.settings.stages.select import SelectSettings
from appliance.config.settings.stages.style import StyleSettings


class StagesSettings(Section, title="Stages"):
    """Optional stages, each off by default; their order is the path's, however they are written."""

    motion: MotionSettings = MotionSettings()
    select: SelectSettings = SelectSettings()
    keyer: KeyerSettings = KeyerSettings()
    plate: PlateSettings = PlateSettings()
    mattes: MattesSettings = MattesSettings()
    frame: FramingSettings = FramingSettings()
    harmonise: HarmoniseSettings = HarmoniseSettings()
    style: StyleSettings = StyleSettings()
    interpolate: InterpolateSettings = InterpolateSettings()
    captions: CaptionsSettings = CaptionsSettings()

    @property
    def needs_motion(self) -> bool:
        """Whether anything asks how the picture moves."""
        return (
            self.motion.enabled
            or self.interpolate.enabled
            or self.select.looks
            or (self.style.moves and self.style.on != "background")
        )

    @property
    def only_light(self) -> bool:
        """Whether nobody but ``harmonise`` asks for the layer, which the CPU then does without."""
        without = self.model_copy(update={"harmonise": HarmoniseSettings()})
        return self.harmonise.enabled and not without.needs_layer

    @property
    def needs_layer(self) -> bool:
        """Whether anything works on the person apart from what is behind."""
        return (
            self.mattes.enabled
            or self.frame.enabled
            or self.harmonise.enabled
            or self.interpolate.enabled
            or self.style.of("person")
            or (self.plate.enabled and self.plate.foreground)
        )
