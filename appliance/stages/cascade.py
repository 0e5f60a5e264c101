"""The frame's path, defined once: every step in order, its needs, its results and its code.

Both pipelines run this list, timings and ``mattebox bench`` use its names, and
``mattebox check --cascade`` prints it. To add a stage: a folder beside this file, a ``Step`` here,
a section in ``config/settings/`` and in ``config.yaml``.

A step runs when everything it needs is present and something it gives is missing. So the network
is skipped when the matte was carried, and steps that are for a person are skipped while nobody is
there, without any further condition. What finds a matte, or mends what was found, needs a frame
that is ``unmatted``: one with a matte of its own (``Frame.alpha``) has it as its source gave it.

Nothing heavy is imported here: a step names its code, and the pipeline that runs it imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from appliance.config.settings import Settings
from appliance.shedding.level import Level

Side = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the frame's path.

    Attributes:
        name: what timings, figures and messages call it.
        does: what it does, in words.
        needs: fields of ``Work`` that must have been given. gives: those that it gives.
        cpu, gpu: the method that does it, ``folder.file:Part.method`` below ``appliance.stages``;
            None: nothing to do on that side.
        within: on the GPU, the step whose kernels also do this one; empty: none.
        optional: one of the ``stages`` of the configuration. If it fails it is left out for a
            while, and the frame goes on as if it were off; so it stores its result at its end.
        stage: its section of ``stages``, if that is not called as the step is.
        spared: from ``Level.SPARE`` on it does less (``Common.level``).
        left_out: the level of shedding that leaves it out; ``Level.HALF`` leaves no step out.
        on: whether given settings call for it; None: always.
        off: what remains of it when the settings switch it off.
        when: how often it is run.
        launched: on the GPU, the span of launches that it belongs to. The host can only time the
            launching, and the steps of one span are recorded into one CUDA graph. Empty: a span
            of its own, under its own name.
    """

    name: str
    does: str
    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    cpu: str | None = None
    gpu: str | None = None
    on: Callable[[Settings], bool] | None = None
    off: str = ""
    when: str = "every frame"
    launched: str = ""
    within: str = ""
    optional: bool = False
    stage: str = ""
    spared: bool = False
    left_out: Level = Level.HALF

    def runs_on(self, side: Side) -> str | None:
        """The method that does it on one side."""
        return self.cpu if side == "cpu" else self.gpu

    def wanted(self, settings: Settings) -> bool:
        """Whether these settings call for it."""
        return self.on is None or self.on(settings)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of shedding at which it does less, or nothing."""
        spared = (Level.SPARE,) if self.spared else ()
        return spared if self.left_out == Level.HALF else (*spared, self.left_out)

    @property
    def span(self) -> str:
        """The name under which the host's time for it is counted on the GPU side."""
        return self.launched or self.name


CASCADE: tuple[Step, ...] = (
    Step(
        "upload", "the frame into the GPU's memory",
        needs=("frame",), gives=("live",), gpu="transfer.gpu:TransferSteps.upload",
    ),
    Step(
        "given", "the matte that came with the frame, in place of all that finds one",
        needs=("matted",), gives=("rect", "kept", "alpha", "matte"),
        cpu="given.cpu:GivenSteps.given", gpu="given.gpu:GivenSteps.given",
        when="every frame whose source knows its matte",
    ),
    Step(
        "motion", "how the whole picture moved since the last frame",
        needs=("frame",), gives=("motion",),
        cpu="motion.cpu:MotionSteps.motion", gpu="motion.cpu:MotionSteps.motion",
        on=lambda settings: settings.stages.needs_motion, optional=True,
    ),
    Step(
        "crop", "the region of interest, resized to the network's grid",
        needs=("frame", "unmatted"), gives=("rect", "planes"),
        cpu="network.cpu:NetworkSteps.crop", gpu="network.gpu:NetworkSteps.crop",
        launched="launch network",
    ),
    Step(
        "carry", "the last matte, moved along with the picture, in place of the network",
        needs=("held", "planes"), gives=("raw",),
        cpu="network.cpu:NetworkSteps.carry", when="every second frame, under load",
    ),
    Step(
        "network", "raw alpha of the region",
        needs=("unmatted", "planes"), gives=("raw",),
        cpu="network.cpu:NetworkSteps.network", gpu="network.gpu:NetworkSteps.network",
        when="every frame that is not carried", launched="launch network",
    ),
    Step(
        "key", "the wall's colour decides where the network's edge is",
        needs=("unmatted", "raw", "planes"),
        cpu="keyer.cpu:KeyerSteps.key", gpu="keyer.gpu:KeyerSteps.key",
        on=lambda settings: settings.keys, optional=True, stage="keyer",
    ),
    Step(
        "check", "an implausible alpha is refused; the placeholder is shown instead",
        needs=("unmatted", "raw"),
        cpu="matte.cpu:MatteSteps.check", within="clean",
    ),
    Step(
        "background", "the picture behind the person",
        needs=("frame",), gives=("behind",),
        cpu="composite.cpu:CompositeSteps.background",
        gpu="composite.gpu:CompositeSteps.background",
    ),
    Step(
        "select", "things of the chosen classes, found now and then, moved along in between",
        needs=("frame", "unmatted"), gives=("things",),
        cpu="select.cpu:SelectSteps.select", gpu="select.cpu:SelectSteps.select",
        on=lambda settings: settings.stages.select.looks, optional=True, spared=True,
    ),
    Step(
        "clean", "only the connected components that are people, and take part, are kept",
        needs=("unmatted", "raw"), gives=("alpha", "kept"),
        cpu="matte.cpu:MatteSteps.clean", gpu="matte.gpu:MatteSteps.clean",
        off="the whole matte is kept; the person's box is still found", launched="launch composite",
    ),
    # Not optional: while select rests, whoever is not to be shown must not be.
    Step(
        "join", "the things beside the person, or instead of them",
        needs=("unmatted", "alpha", "raw"),
        cpu="select.cpu:JoinSteps.join", gpu="select.gpu:JoinSteps.join",
        on=lambda settings: settings.stages.select.enabled, off="the person alone",
        launched="launch composite",
        stage="select",
    ),
    Step(
        "steady", "alpha is held where the picture is still",
        needs=("unmatted", "alpha", "planes"), gives=("moved",),
        cpu="matte.cpu:MatteSteps.steady", gpu="matte.gpu:MatteSteps.steady",
        on=lambda settings: settings.steady.enabled, launched="launch composite",
    ),
    Step(
        "plate", "what looks like the empty room is not the person",
        needs=("unmatted", "alpha", "planes"),
        cpu="plate.cpu:PlateSteps.plate", gpu="plate.gpu:PlateSteps.plate",
        on=lambda settings: settings.stages.plate.enabled, optional=True,
        launched="launch composite",
    ),
    Step(
        "refine", "the matte's edges follow the picture's",
        needs=("unmatted", "alpha", "planes", "somebody"), gives=("matte",),
        cpu="matte.cpu:MatteSteps.refine", gpu="matte.gpu:MatteSteps.refine",
        off="alpha is only enlarged", when="while somebody is there",
        launched="launch composite",
    ),
    Step(
        "plate-detail", "the edge follows the difference to the empty room, pixel by pixel",
        needs=("unmatted", "matte"),
        cpu="plate.cpu:PlateSteps.detail",
        on=lambda settings: settings.stages.plate.enabled and settings.stages.plate.matte,
        when="while somebody is there", optional=True, stage="plate",
    ),
    Step(
        "key-edge", "alpha at full size by the wall's colour; its light taken off the person",
        needs=("unmatted", "matte", "key", "alpha"), cpu="keyer.cpu:KeyerSteps.edge",
        on=lambda settings: settings.keys, when="while somebody is there",
        optional=True, stage="keyer",
    ),
    Step(
        "edge", "the edge is shrunk or grown, and softened; one that came so is shrunk at most",
        needs=("matte",),
        cpu="edge.cpu:EdgeSteps.edge", gpu="edge.gpu:EdgeSteps.edge",
        on=lambda settings: settings.edge.wanted, off="the edge stays as refined",
        when="while somebody is there", launched="launch composite",
    ),
    Step(
        "layer", "the person apart from what is behind, at full size",
        needs=("matte",), gives=("layer",),
        cpu="layer.cpu:LayerSteps.layer", gpu="layer.gpu:LayerSteps.layer",
        on=lambda settings: settings.needs_layer, when="while somebody is there",
        launched="launch composite",
    ),
    Step(
        "plate-colour", "the room's colour is taken out of soft pixels",
        needs=("unmatted", "layer"),
        cpu="plate.cpu:PlateSteps.colour", gpu="plate.gpu:ColourSteps.colour",
        on=lambda settings: settings.stages.plate.enabled and settings.stages.plate.foreground,
        when="while somebody is there", launched="launch composite", optional=True, stage="plate",
    ),
    Step(
        "mattes", "what is drawn by hand: always room, always kept",
        needs=("frame",), cpu="mattes.cpu:MattesSteps.mattes", gpu="mattes.gpu:MattesSteps.mattes",
        on=lambda settings: settings.stages.mattes.enabled,
        when="every frame, also with nobody there", launched="launch composite",
    ),
    Step(
        "frame", "the person is moved and brought to size on the canvas",
        needs=("layer",), gives=("view",),
        cpu="frame.cpu:FrameSteps.frame", gpu="frame.gpu:FrameSteps.frame",
        on=lambda settings: settings.frames_people, when="while somebody is there",
        launched="launch composite", optional=True,
    ),
    Step(
        "style-behind", "the look of what is behind",
        needs=("behind",),
        cpu="style.cpu:StyleSteps.style", gpu="style.gpu:StyleSteps.style",
        on=lambda settings: settings.stages.style.of("background"),
        optional=True, launched="launch composite", stage="style",
    ),
    Step(
        "harmonise", "the person in the light of what is behind",
        needs=("matte", "behind"),
        cpu="harmonise.cpu:HarmoniseSteps.harmonise",
        gpu="harmonise.gpu:HarmoniseSteps.harmonise",
        on=lambda settings: settings.stages.harmonise.enabled, when="while somebody is there",
        launched="launch composite", optional=True, left_out=Level.PLAIN,
    ),
    Step(
        "shadow", "the person's soft shadow on what is behind",
        needs=("matte", "behind"),
        cpu="shadow.cpu:ShadowSteps.shadow", gpu="shadow.gpu:ShadowSteps.shadow",
        on=lambda settings: settings.stages.harmonise.throws_shadow,
        when="while somebody is there", launched="launch composite", optional=True,
        stage="harmonise", left_out=Level.PLAIN,
    ),
    Step(
        "style-person", "the look of the person",
        needs=("layer",),
        cpu="style.cpu:StyleSteps.style", gpu="style.gpu:StyleSteps.style",
        on=lambda settings: settings.stages.style.of("person"), when="while somebody is there",
        optional=True, launched="launch composite", stage="style", spared=True,
    ),
    Step(
        "composite", "the person over the background",
        needs=("behind",),
        cpu="composite.cpu:CompositeSteps.composite", gpu="composite.gpu:CompositeSteps.composite",
        launched="launch composite",
    ),
    Step(
        "interpolate", "a frame for a time between those of the source",
        needs=("behind",),
        cpu="interpolate.cpu:InterpolateSteps.interpolate",
        gpu="interpolate.gpu:InterpolateSteps.interpolate", launched="launch composite",
        on=lambda settings: settings.stages.interpolate.enabled, optional=True,
        left_out=Level.SPARE,
    ),
    Step(
        "style-all", "the look of the whole composite",
        needs=("behind",),
        cpu="style.cpu:StyleSteps.style_all", gpu="style.gpu:StyleSteps.style_all",
        on=lambda settings: settings.stages.style.of("all"),
        optional=True, launched="launch composite", stage="style", spared=True,
    ),
    # Behind the look, which is not for letters; what goes beside has none.
    Step(
        "captions", "what is said, over the finished composite",
        needs=("behind",),
        cpu="captions.cpu:CaptionSteps.draw", gpu="captions.gpu:CaptionSteps.draw",
        on=lambda settings: settings.stages.captions.enabled,
        optional=True, launched="launch composite",
    ),
    # Not optional: a key without its fill, or either of another frame, would be worse than none.
    Step(
        "key-fill", "what outputs ask for beside the composite: key, fill, the person over green",
        needs=("companions",),
        cpu="key_fill.cpu:KeyFillSteps.draw", gpu="key_fill.gpu:KeyFillSteps.draw",
        on=lambda settings: bool(settings.companions), launched="launch composite",
        off="no output asks for key, fill or green",
    ),
    Step(
        "rescan", "a look at the whole frame, for people outside the region",
        needs=("unmatted", "scan"), gives=("elsewhere",),
        cpu="network.cpu:NetworkSteps.rescan", gpu="network.gpu:NetworkSteps.rescan",
        on=lambda settings: settings.roi.enabled, when="every roi.rescan_s seconds",
    ),
    Step(
        "plate-learning", "the empty room is learnt where nobody is",
        needs=("unmatted", "raw"),
        cpu="plate.cpu:PlateSteps.learn", gpu="plate.gpu:PlateSteps.learn",
        on=lambda settings: settings.stages.plate.enabled, optional=True,
        stage="plate",
    ),
    Step(
        "wait", "the host waits for the finished composite",
        gpu="transfer.gpu:TransferSteps.wait",
    ),
    Step(
        "download", "the composite into the canvas, where it was not made there",
        gpu="transfer.gpu:TransferSteps.download",
    ),
    Step(
        "track", "where the person will be in the next frame",
        needs=("rect",),
        cpu="track:TrackSteps.track", gpu="track:TrackSteps.track",
    ),
    Step(
        "aim", "which part of the picture the canvas is to show",
        needs=("rect",),
        cpu="frame.cpu:FrameSteps.aim", gpu="frame.gpu:FrameSteps.aim",
        on=lambda settings: settings.frames_people, optional=True,
        stage="frame",
    ),
)  # fmt: skip


def steps(side: Side, settings: Settings) -> tuple[Step, ...]:
    """The steps that one side runs with these settings, in order."""
    return tuple(step for step in CASCADE if step.runs_on(side) and step.wanted(settings))
