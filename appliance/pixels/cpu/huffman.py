"""Walks through a JPEG picture's entropy-coded data without making a picture of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from appliance.media.frame import U8
from appliance.pixels.cpu.jit import kernel

U16 = NDArray[np.uint16]


I64 = NDArray[np.int64]

# The mean of a block is at most 128 from the middle, times 8 (ITU-T T.81, A.3.3); rounding, and
# what an encoder overshoots, come on top.
_MOST_DC = 1024 + 256


@kernel(
    "int64(uint8[::1], uint16[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], int64, "
    "int64)"
)
def first_fault(
    data: U8, tables: U16, dc: I64, ac: I64, part: I64, step: I64, units: int, interval: int
) -> int:
    """The number of the unit (MCU) that cannot be decoded; -1 if all are there and nothing else.

    Args:
        data: from the scan's first byte on; ends with a marker.
        tables: (n, 65536): for the next 16 bits the code's length * 256 + its value; 0 for none.
        dc, ac: for each block of a unit its two tables. part: and which component it is of.
        step: for each component the quantiser's step of the mean.
        units: how many there are. interval: units between restart markers, 0 for none.
    """
    at, size = 0, data.shape[0]
    bits, count = np.uint64(0), 0
    marker, padded = -1, 0
    means = np.zeros(step.shape[0], np.int64)
    for unit in range(units):
        if interval > 0 and unit > 0 and unit % interval == 0:
            # What is left must be less than a byte of padding, then the marker in turn.
            if count - padded >= 8:
                return unit
            if marker < 0:
                if at + 1 >= size or data[at] != 0xFF:
                    return unit
                marker = data[at + 1]
                at += 2
            if marker != 0xD0 + (unit // interval - 1) % 8:
                return unit
            bits, count, marker, padded = np.uint64(0), 0, -1, 0
            means[:] = 0
        for block in range(dc.shape[0]):
            k = 0
            while k < 64:
                while count < 32:
                    byte = 0
                    if marker < 0 and at + 1 < size:
                        byte = data[at]
                        at += 1
                        if byte == 0xFF:
                            follows = data[at]
                            at += 1
                            while follows == 0xFF and at < size:
                                follows = data[at]
                                at += 1
                            if follows != 0:
                                marker, byte = follows, 0
                    if marker >= 0 or at + 1 >= size:
                        padded += 8
                    bits = (bits << np.uint64(8)) | np.uint64(byte)
                    count += 8
                ahead = (bits >> np.uint64(count - 16)) & np.uint64(0xFFFF)
                entry = tables[dc[block] if k == 0 else ac[block], ahead]
                length, value = entry >> 8, entry & 255
                if length == 0:
                    return unit
                run, extra = value >> 4, value & 15
                count -= length + extra
                if count < padded:
                    return unit
                if k == 0:
                    if extra > 0:
                        read = np.int64((bits >> np.uint64(count)) & np.uint64((1 << extra) - 1))
                        if read < 1 << (extra - 1):
                            read -= (1 << extra) - 1
                        means[part[block]] += read
                        if abs(means[part[block]] * step[part[block]]) > _MOST_DC:
                            return unit
                    k = 1
                elif extra == 0:
                    k = k + 16 if run == 15 else 64
                else:
                    k += run + 1
                    if k > 64:
                        return unit
    if count - padded >= 8:
        return units
    if marker < 0:
        marker = data[at + 1] if at + 1 < size and data[at] == 0xFF else 0
    return -1 if marker == 0xD9 else units
