"""Frames to the GPU and back: rings of pinned memory, copies on a stream of their own.

On a discrete card a frame is copied once into pinned memory and from there by the card itself,
while the kernels work on the frame before it. On a Jetson, where CPU and GPU share memory, the
pinned memory is mapped and there is no second copy. All memory is allocated when the ring is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from appliance.cuda.context import Context
from appliance.media.frame import U8, Format, Frame
from appliance.media.surface import Surface

_PITCH = 256  # bytes: suits every GPU's widest loads and copies


@dataclass(frozen=True, slots=True)
class _TransferSlot:
    y: U8
    uv: U8
    whole: U8
    surface: Surface
    copied: Any
    worked: Any


class _Ring:
    def __init__(self, context: Context, format: Format, depth: int, *, mapped: bool) -> None:
        if depth < 2:
            raise ValueError(f"a ring of {depth} frames: expected at least 2")
        self._context, self._format, self._mapped = context, format, mapped
        driver = context.driver
        with context.guard("making the copies' stream"):
            self._copies = driver.Stream()
        self._slots = [self._slot() for _ in range(depth)]
        self._count = 0

    def _slot(self) -> _TransferSlot:
        driver, format, context = self._context.driver, self._format, self._context
        pitch = -(-format.width // _PITCH) * _PITCH
        rows, columns = (format.height + 1) // 2, (format.width + 1) // 2
        size = pitch * (format.height + rows)
        if self._mapped:
            whole, address = context.mapped((size,), np.uint8)
            owner: Any = whole
        else:
            whole = context.pinned((size,), np.uint8)
            buffer = context.alloc(size)
            address, owner = buffer.address, buffer
        luma = whole[: pitch * format.height].reshape(format.height, pitch)
        chroma = whole[pitch * format.height :].reshape(rows, pitch)
        with context.guard("making events"):
            flag = driver.event_flags.DISABLE_TIMING
            events = driver.Event(flag), driver.Event(flag)
        surface = Surface(
            "nv12", format.width, format.height, address, pitch,
            address + pitch * format.height, pitch, format.colour, owner,
        )  # fmt: skip
        return _TransferSlot(
            luma[:, : format.width], chroma[:, : 2 * columns].reshape(rows, columns, 2), whole,
            surface, *events,
        )  # fmt: skip


def pitched(context: Context, format: Format) -> Surface:
    """An NV12 picture in device memory, with the pitch of a ring's frames."""
    pitch = -(-format.width // _PITCH) * _PITCH
    rows = (format.height + 1) // 2
    buffer = context.alloc(pitch * (format.height + rows))
    return Surface(
        "nv12", format.width, format.height, buffer.address, pitch,
        buffer.at(pitch * format.height), pitch, format.colour, buffer,
    )  # fmt: skip


class Upload(_Ring):
    """Frames of one format to the GPU."""

    def __init__(
        self, context: Context, format: Format, depth: int = 3, *, mapped: bool = False
    ) -> None:
        """Allocate ``depth`` frames; ``mapped``: CPU and GPU share the memory (Jetson)."""
        super().__init__(context, format, depth, mapped=mapped)

    def put(self, frame: Frame) -> Surface:
        """The frame in device memory, for everything launched from now on.

        The surface is overwritten ``depth`` frames later. Waits only if this slot's last copy and
        use, ``depth`` frames ago, are not done yet.

        Raises:
            ValueError: the frame is not of the ring's size.
        """
        if frame.rect != self._format.rect:
            raise ValueError(
                f"a frame of {frame.width}x{frame.height}, expected {self._format.width}x"
                f"{self._format.height}"
            )
        depth, context = len(self._slots), self._context
        slot = self._slots[self._count % depth]
        with context.guard("uploading a frame"):
            if self._count > 0:
                # All work on the last frame has been launched by now.
                self._slots[(self._count - 1) % depth].worked.record(context.stream)
        if self._count >= depth:
            done = slot.worked if self._mapped else slot.copied
            context.wait(done, "waiting for room for a frame")
        with context.guard("uploading a frame"):
            np.copyto(slot.y, frame.y)
            np.copyto(slot.uv, frame.uv)
            if not self._mapped:
                if self._count >= depth:
                    self._copies.wait_for_event(slot.worked)
                self._context.driver.memcpy_htod_async(
                    slot.surface.address, slot.whole, self._copies
                )
                slot.copied.record(self._copies)
                context.stream.wait_for_event(slot.copied)
        self._count += 1
        return slot.surface


class Download(_Ring):
    """Composites of one format from the GPU: ``target``, launch, ``send``, and later ``take``."""

    def __init__(
        self, context: Context, format: Format, depth: int = 3, *, mapped: bool = False
    ) -> None:
        """Allocate ``depth`` frames; ``mapped``: CPU and GPU share the memory (Jetson)."""
        super().__init__(context, format, depth, mapped=mapped)
        self._taken = 0

    @property
    def target(self) -> Surface:
        """Where the next composite goes.

        Raises:
            RuntimeError: every frame of the ring has been sent and none taken.
        """
        if self._count - self._taken >= len(self._slots):
            raise RuntimeError(f"all {len(self._slots)} frames are on their way: take one first")
        return self._slots[self._count % len(self._slots)].surface

    def send(self) -> None:
        """Send ``target`` on its way back, after everything launched so far."""
        slot = self._slots[self._count % len(self._slots)]
        context = self._context
        with context.guard("downloading a frame"):
            slot.worked.record(context.stream)
            if not self._mapped:
                self._copies.wait_for_event(slot.worked)
                context.driver.memcpy_dtoh_async(slot.whole, slot.surface.address, self._copies)
                slot.copied.record(self._copies)
        self._count += 1

    def take(self) -> Frame:
        """The oldest composite sent and not yet taken: the frame loop's one wait.

        Its memory is the ring's: it is overwritten ``depth`` frames later.

        Raises:
            RuntimeError: everything that was sent has been taken.
        """
        if self._taken == self._count:
            raise RuntimeError("a frame was to be taken, and none has been sent")
        slot = self._slots[self._taken % len(self._slots)]
        done = slot.worked if self._mapped else slot.copied
        self._context.wait(done, "waiting for the frame")
        self._taken += 1
        return Frame(slot.y, slot.uv, self._format.colour)
