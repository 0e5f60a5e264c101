"""The frame's path, said once: every step in its order, what it needs, what it gives, who does it.

Both pipelines run what stands here, timings and ``mattebox bench`` call the steps by these names,
and ``mattebox check --cascade`` prints them. To add a stage: a folder beside this file, a line
here, a section in ``config.yaml``.

A step is run when all that it needs is there and something that it gives is not. So a matte that
was carried leaves the network out, and what is for a person is left out while nobody is there,
without anybody saying so again.

Nothing heavy is imported here: what runs a step is named, and imported by the pipeline that wants
it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from appliance.config.settings import Settings

Side = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the frame's path.

    Attributes:
        name: what timings, figures and messages call it.
        does: what it does, in words.
        needs: fields of ``Work`` that must have been given. gives: those that it gives.
        cpu, gpu: the method that does it, ``folder.file:Part.method`` below ``appliance.stages``;
            None: there is nothing to do on that side.
        within: on the GPU, the step whose kernels do it besides; empty: none.
        on: whether these settings want it; None: it is never left out.
        off: what remains of it when the settings switch it off.
        when: how often it is run.
        launched: on the GPU, the span of launches that it belongs to. The host can time only the
            launching, and steps of one span are recorded into one CUDA graph. Empty: a span of
            its own name.
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

    def runs_on(self, side: Side) -> str | None:
        """The method that does it on one side."""
        return self.cpu if side == "cpu" else self.gpu

    def wanted(self, settings: Settings) -> bool:
        """Whether these settings want it."""
        return self.on is None or self.on(settings)

    @property
    def span(self) -> str:
        """The name under which the host's time is counted on the GPU."""
        return self.launched or self.name


CASCADE: tuple[Step, ...] = (
    Step(
        "upload", "the frame into the GPU's memory",
        needs=("frame",), gives=("live",), gpu="transfer.gpu:TransferSteps.upload",
    ),
    Step(
        "crop", "the region of interest, resized to the network's grid",
        needs=("frame",), gives=("rect", "planes"),
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
        needs=("planes",), gives=("raw",),
        cpu="network.cpu:NetworkSteps.network", gpu="network.gpu:NetworkSteps.network",
        when="every frame that is not carried", launched="launch network",
    ),
    Step(
        "check", "an alpha that cannot be true is refused, and the placeholder goes out",
        needs=("raw",),
        cpu="matte.cpu:MatteSteps.check", within="clean",
    ),
    Step(
        "background", "the picture behind the person",
        needs=("frame",), gives=("behind",),
        cpu="composite.cpu:CompositeSteps.background",
        gpu="composite.gpu:CompositeSteps.background",
    ),
    Step(
        "clean", "the connected components that are people stay",
        needs=("raw",), gives=("alpha", "kept"),
        cpu="matte.cpu:MatteSteps.clean", gpu="matte.gpu:MatteSteps.clean",
        off="all of the matte stays; the person's box is found", launched="launch composite",
    ),
    Step(
        "steady", "alpha is held where the picture stands still",
        needs=("alpha", "planes"), gives=("moved",),
        cpu="matte.cpu:MatteSteps.steady", gpu="matte.gpu:MatteSteps.steady",
        on=lambda settings: settings.steady.enabled, launched="launch composite",
    ),
    Step(
        "refine", "edges follow the picture's own",
        needs=("alpha", "planes", "somebody"), gives=("matte",),
        cpu="matte.cpu:MatteSteps.refine", gpu="matte.gpu:MatteSteps.refine",
        off="alpha is enlarged as it is", when="while somebody is there",
        launched="launch composite",
    ),
    Step(
        "composite", "the person over the background",
        needs=("behind",),
        cpu="composite.cpu:CompositeSteps.composite", gpu="composite.gpu:CompositeSteps.composite",
        launched="launch composite",
    ),
    Step(
        "rescan", "a look at the whole frame, for people outside the region",
        needs=("scan",), gives=("elsewhere",),
        cpu="network.cpu:NetworkSteps.rescan", gpu="network.gpu:NetworkSteps.rescan",
        on=lambda settings: settings.roi.enabled, when="every roi.rescan_s seconds",
    ),
    Step("wait", "for the finished composite", gpu="transfer.gpu:TransferSteps.wait"),
    Step(
        "download", "the composite into the canvas, where it was not made there",
        gpu="transfer.gpu:TransferSteps.download",
    ),
    Step(
        "track", "where the person is going to be in the next frame",
        needs=("rect",),
        cpu="track:TrackSteps.track", gpu="track:TrackSteps.track",
    ),
)  # fmt: skip


def steps(side: Side, settings: Settings) -> tuple[Step, ...]:
    """The steps that one side runs with these settings, in their order."""
    return tuple(step for step in CASCADE if step.runs_on(side) and step.wanted(settings))
