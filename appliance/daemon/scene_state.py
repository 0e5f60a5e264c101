"""Which scene is on, and what each kind of change makes of that."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from appliance.config.scenes import absorbed, in_use, scene_named
from appliance.config.settings import SceneSettings, Settings
from appliance.config.settings.scenes import NO_SCENE
from appliance.daemon.dissolve import why_cut

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SceneState:
    """Settings with their scenes, and the one that is on.

    Attributes:
        base: as the file has them, with what was changed since.
        active: the scene's name; ``NO_SCENE`` for none.
    """

    base: Settings
    active: str

    @property
    def scene(self) -> SceneSettings | None:
        """The scene that is on; None for none."""
        return scene_named(self.base, self.active)

    @property
    def in_use(self) -> Settings:
        """The settings that result, without scenes. Raises ConfigError."""
        return in_use(self.base, self.active)

    def switched(self, name: str) -> SceneState:
        """With another scene on. Raises ConfigError when there is none of that name."""
        scene_named(self.base, name)
        return replace(self, active=name)

    def reread(self, base: Settings) -> SceneState:
        """With the settings of a file that was saved.

        The scene that is on stays on, unless the file says now that mattebox starts with another,
        or does not have it any more.
        """
        if base.scene != self.base.scene:
            return SceneState(base, base.scene)
        if any(scene.name == self.active for scene in base.scenes) or self.active == NO_SCENE:
            return SceneState(base, self.active)
        log.warning("the scene that was on is not there any more: none is on", scene=self.active)
        return SceneState(base, NO_SCENE)

    def changed(self, old: Settings, new: Settings) -> SceneState:
        """After a change of the settings in use from ``old`` to ``new``."""
        return SceneState(absorbed(self.base, self.active, old, new), self.active)

    def placed(self, key: str) -> str:
        """Where a setting in use (dotted) is written: in the scene that is on, or outside."""
        for index, scene in enumerate(self.base.scenes):
            if scene.name == self.active and key in scene.settings.written():
                return f"scenes.{index}.settings.{key}"
        return key

    def differing(self, other: SceneState) -> frozenset[str]:
        """What differs in the scenes, as sections: which is on, and what they are."""
        found = set()
        if self.active != other.active:
            found.add("scene")
        if self.base.scenes != other.base.scenes:
            found.add("scenes")
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Transition:
    """How one scene gives way to another: ``frames`` of a dissolve, 0 for a cut, and why so."""

    frames: int = 0
    note: str | None = None


def transition(
    old: SceneState, new: SceneState, shown: Settings, to_show: Settings, asked: int | None
) -> Transition:
    """How ``old`` gives way to ``new``.

    Args:
        old, new: before and after; what stays in the same scene is a cut.
        shown, to_show: the settings in use, before and after.
        asked: frames that somebody asked for; None: what the new scene says, or the old one where
            it gives way to none.
    """
    if old.active == new.active:
        return Transition()
    says = new.scene or old.scene
    frames = asked if asked is not None else says.dissolve_frames if says is not None else 0
    why = why_cut(shown, to_show) if frames else None
    return Transition(frames) if why is None else Transition(0, f"cut, not dissolved: {why}")
