"""Frames uploaded to the GPU, composites downloaded from it, and the one wait in between."""

from __future__ import annotations

import numpy as np

from appliance.cuda.transfer import Upload
from appliance.errors import MattingError
from appliance.media.borrowed import Borrowed
from appliance.media.frame import Frame
from appliance.stages.device.report import Report
from appliance.stages.device.work import DeviceCommon, DeviceWork
from appliance.stages.matte.checks import refusal

# Per-frame buffers alternate in step with GridMemory's two slots, so that graphs can be replayed.
DEPTH = 2


class TransferSteps:
    """The steps that only the GPU path has."""

    def __init__(self, common: DeviceCommon) -> None:
        """Allocate memory for the frames to upload."""
        self._common = common
        context = common.context
        self._upload = Upload(context, common.format, DEPTH, mapped=context.integrated)

    def reset(self) -> None:
        """Nothing is carried over time here."""

    def upload(self, work: DeviceWork) -> None:
        """The frame in device memory: in place if it is there already, else copied."""
        owner = work.frame.owner
        if isinstance(owner, Borrowed) and owner.surface is not None:
            work.live = owner.surface
        else:
            work.live = self._upload.put(work.frame)

    def wait(self, work: DeviceWork) -> None:
        """Have the composite sent, wait for it, and judge the matte it was made with.

        Raises MattingError when that cannot be trusted: the composite must not be shown.
        """
        assert work.way is not None
        memory = self._common.memory
        memory.end(self._common.settings)
        work.way.send()
        if work.matte_way is not None:
            work.matte_way.send()
        also = work.also_way if work.made_at is not None else None
        if also is not None:
            also.send()
        between = work.also_companion_ways if work.made_beside else {}
        for way in (*work.companion_ways.values(), *between.values()):
            way.send()
        work.made = work.way.take()
        work.made_also = None if also is None else also.take()
        work.made_companions = {kind: way.take() for kind, way in work.companion_ways.items()}
        work.made_also_companions = {kind: way.take() for kind, way in between.items()}
        work.made_matte = None if work.matte_way is None else work.matte_way.take()
        work.report = self._judge(memory.report())
        if work.looked_aside:
            work.report_aside = self._judge(memory.aside_verdict.report())

    def download(self, work: DeviceWork) -> None:
        """Copy out the composite and what was made with it, unless they were made in place."""
        _copy(work.made, work.out)
        _copy(work.made_also, work.also)
        for come, into in (
            (work.made_companions, work.companions),
            (work.made_also_companions, work.also_companions),
        ):
            for kind, made in come.items():
                _copy(made, None if into is None else into[kind])
        if work.made_matte is not None and work.matte_out is not None:
            np.copyto(work.matte_out, work.made_matte.y)

    def _judge(self, report: Report) -> Report:
        """The report, if its matte can be trusted; raises MattingError if not."""
        if not report.refused:
            return report
        error = refusal(report.cover, self._common.settings.matting.max_coverage)
        # At a limit the host's rounding may differ from the device's, which has not shown it.
        raise error or MattingError("the network's matte was refused on the GPU, at a limit")


def _copy(made: Frame | None, out: Frame | None) -> None:
    if made is not None and out is not None:
        np.copyto(out.y, made.y)
        np.copyto(out.uv, made.uv)
