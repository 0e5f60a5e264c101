"""GStreamer's memory as frames and back, and what GStreamer must not do to its neighbours."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from appliance.media import gst
from appliance.media.canvas import buffer_of
from appliance.media.frame import Colour, Format, Frame, Matrix, Range
from appliance.media.gst import Gst, caps_of, format_of, frame_of
from tests.networks.bright import bright_network
from tests.pixels.frames import noise

_EXCEPTION = """
import sys
import appliance.daemon.daemon
from pathlib import Path
from appliance.errors import ModelError
from appliance.networks.manifest import load_manifest
from appliance.networks.onnxruntime import OnnxRuntimeMatting
try:
    OnnxRuntimeMatting(*load_manifest(Path(sys.argv[1])))
except ModelError as error:
    print("refused:", error)
"""


def test_a_c_plus_plus_exception_reaches_python_with_gstreamer_loaded(tmp_path: Path) -> None:
    """libunwind, which GStreamer brings, must not take over the unwinding of others."""
    manifest = bright_network(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-c", _EXCEPTION, str(manifest)],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused:")


@pytest.mark.parametrize("matrix", list(Matrix))
@pytest.mark.parametrize("range_", list(Range))
def test_caps_carry_the_format(matrix: Matrix, range_: Range) -> None:
    format = Format(642, 362, (30000, 1001), Colour(matrix, range_))
    assert format_of(caps_of(format)) == format


def sample(frame: Frame, format: Format) -> Gst.Sample:
    """A sample as an appsink gives it."""
    return Gst.Sample.new(buffer_of(frame, 7, 1), caps_of(format), None, None)


@pytest.mark.parametrize(("width", "height"), [(32, 32), (642, 362), (1918, 34)])
def test_frames_survive_the_way_there_and_back(width: int, height: int) -> None:
    format = Format(width, height)
    frame = noise(width, height, 1, pad=5)
    back = frame_of(sample(frame, format), serial=3)
    assert np.array_equal(back.y, frame.y)
    assert np.array_equal(back.uv, frame.uv)
    assert (back.pts, back.serial) == (7, 3)


def test_a_frame_outlives_its_sample() -> None:
    frame = noise(64, 64, 1)
    frames = [frame_of(sample(frame, Format(64, 64))) for _ in range(50)]
    gc.collect()
    assert all(np.array_equal(f.y, frame.y) for f in frames)


def test_a_sample_smaller_than_its_caps_is_refused() -> None:
    small = sample(noise(64, 64, 1), Format(64, 128))
    with pytest.raises(gst.SourceError, match="bytes, expected"):
        frame_of(small)
