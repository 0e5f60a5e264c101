"""Where a window that moves over a picture starts: TensorFlow's padding as ONNX's numbers."""

from __future__ import annotations

from appliance.errors import ModelError

SAME, VALID = 0, 1
Pair = tuple[int, int]


def pads(
    padding: int, size: Pair, window: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> list[int]:
    """Rows above, columns left, rows below, columns right, for a window over a picture.

    All pairs are (rows, columns). With SAME the result is ceil(size / stride), and an odd one of
    padding goes below and right. Raises ModelError for another padding, or a stride below 1.
    """
    _must_be_known(padding, (*window, *stride, *dilation))
    if padding == VALID:
        return [0, 0, 0, 0]
    before, after = [], []
    for n, k, s, d in zip(size, window, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    return before + after


def pads_back(padding: int, size: Pair, window: Pair, stride: Pair) -> tuple[list[int], list[int]]:
    """Pads as above, and rows and columns to add, for a transposed convolution.

    With SAME the result is size * stride, with VALID all that the windows reach, and no less.
    """
    _must_be_known(padding, (*window, *stride))
    before, after, more = [], [], []
    for n, k, s in zip(size, window, stride, strict=True):
        wanted = n * s if padding == SAME else n * s + max(k - s, 0)
        spare = (n - 1) * s + k - wanted
        before.append(max(spare, 0) // 2)
        after.append(max(spare, 0) - max(spare, 0) // 2)
        more.append(max(-spare, 0))
    return before + after, more


def _must_be_known(padding: int, sides: tuple[int, ...]) -> None:
    if padding not in (SAME, VALID):
        raise ModelError(f"padding number {padding}, expected {SAME} (SAME) or {VALID} (VALID)")
    if not all(1 <= side <= 4096 for side in sides):
        raise ModelError(f"windows, strides and dilations of {sides}, expected 1 to 4096")
