"""Sound at a reader's: its track stays, whatever the source is changed to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from tests.daemon.test_sound import beeps, clip, heard
from tests.http.serving import serving, settings_of, write


def test_the_track_stays_when_the_source_has_none(network: Path, tmp_path: Path) -> None:
    loud = clip(tmp_path / "loud.mkv", *beeps(3), "-c:a", "pcm_s16le", seconds=3)
    mute = clip(tmp_path / "mute.mkv", seconds=3)
    data = settings_of(loud, network, tmp_path)
    data["outputs"] = [{"uri": "rtsp://127.0.0.1:0/live"}]
    data["source"]["loop"] = True
    out = tmp_path / "out.mkv"
    with serving(tmp_path, data) as served:
        uri = served.daemon.outputs[0].status().uri
        reader = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-v", "error", "-y", "-rtsp_transport", "tcp", "-i", uri, "-t",
             "7", "-c", "copy", str(out)],
        )  # fmt: skip
        for source in (mute, loud):
            try:
                reader.wait(2.5)
            except subprocess.TimeoutExpired:
                data["source"]["uri"] = str(source)
                write(served.path, data)
                assert served.reloader.ask().result(10).refusal is None
        assert reader.wait(30) == 0
    packets = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts_time",
         "-of", "csv=p=0", str(out)],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout.split()  # fmt: skip
    times = np.array([float(one.strip(",")) for one in packets])
    assert times[-1] > 5
    assert np.diff(times).max() < 0.1
    sound = np.abs(heard(out))
    seconds = [sound[k : k + 48_000].max() for k in range(0, len(sound) - 48_000, 48_000)]
    assert max(seconds) > 0.5
    assert min(seconds) < 0.01
