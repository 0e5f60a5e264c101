"""HLS: pieces and a playlist, read back as a player would."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InputError, OutputError
from appliance.media.audio import AudioBlock, silence
from appliance.outputs import disk
from appliance.outputs.encoders import Wanted
from appliance.outputs.hls import KEPT, LISTED, HlsOutput
from tests.browser import browsing, needs_browser
from tests.outputs.conftest import FORMAT, ffmpeg_frames, ffprobe, picture, psnr, wait_until

PERIOD = 33_333_333
QUICK = Wanted(keyframe_s=1.0)


def write(output: HlsOutput, serials: range) -> None:
    frame = picture()
    for serial in serials:
        pts = 7 * 10**9 + serial * PERIOD
        output.hear(AudioBlock(silence(1600), pts))
        output.write(replace(frame, pts=pts))


def made(path: Path, seconds: int) -> HlsOutput:
    output = HlsOutput(path, QUICK)
    output.lossless = True
    output.open(FORMAT)
    write(output, range(30 * seconds))
    return output


def test_a_player_reads_pictures_and_sound(tmp_path: Path) -> None:
    output = made(tmp_path / "live.m3u8", 5)
    output.close()
    streams = {row["codec_name"] for row in ffprobe(output.uri, "stream=codec_name")}
    assert streams == {"h264", "aac"}
    frames = ffmpeg_frames(output.uri, FORMAT, 20)
    assert min(psnr(picture(), frame) for frame in frames) > 35
    rows = ffprobe(output.uri, "packet=pts_time", "-select_streams", "v")
    times = np.array([float(row["pts_time"]) for row in rows])
    assert len(times) == 150
    assert np.allclose(np.diff(times), PERIOD / 1e9, atol=0.0011)


def test_the_list_is_short_and_old_pieces_go(tmp_path: Path) -> None:
    output = made(tmp_path / "live.m3u8", KEPT + 5)
    listed = [line for line in output.path.read_text().splitlines() if line.endswith(".ts")]
    assert 1 < len(listed) <= LISTED
    assert all((tmp_path / name).is_file() for name in listed)
    output.close()
    assert len(list(tmp_path.glob("*.ts"))) <= KEPT + 1


def test_a_new_start_removes_what_the_last_one_left_and_nothing_else(tmp_path: Path) -> None:
    mine = tmp_path / "live-holiday-00001.ts"
    mine.write_bytes(b"precious")
    old = tmp_path / "live-1600000000-00003.ts"
    old.write_bytes(b"old")
    made(tmp_path / "live.m3u8", 2).close()
    assert mine.read_bytes() == b"precious"
    assert not old.exists()


def test_a_full_disk_and_a_missing_folder_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OutputError, match=r"No such file or directory.*see ls -ld"):
        HlsOutput(tmp_path / "none" / "a.m3u8").open(FORMAT)
    monkeypatch.setattr(disk, "LEAST_FREE_MB", 1 << 40)
    with pytest.raises(OutputError, match="the disk is full"):
        HlsOutput(tmp_path / "a.m3u8").open(FORMAT)
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused() -> None:
    with pytest.raises(InputError, match=r"ends in \.mpd; expected \.m3u8"):
        HlsOutput(Path("a.mpd"))


PAGE = """<!doctype html><video id="video" muted></video><script src="hls.js"></script><script>
const video = document.getElementById("video");
const player = new Hls({liveSyncDurationCount: 2});
player.loadSource("live.m3u8");
player.attachMedia(video);
player.on(Hls.Events.MANIFEST_PARSED, () => video.play());
player.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) document.title = data.details; });
</script>"""


@pytest.fixture(scope="module")
def hls_js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The player that most pages use, fetched once."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, and hls.js comes from there")
    folder = tmp_path_factory.mktemp("npm")
    done = subprocess.run(
        [npm, "pack", "--silent", "hls.js@1.5.20"],
        cwd=folder, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"npm cannot fetch hls.js: {done.stderr.strip()[-200:]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        member = archive.extractfile("package/dist/hls.min.js")
        assert member is not None
        (folder / "hls.js").write_bytes(member.read())
    return folder / "hls.js"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A plain web server for the folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(5)


@needs_browser
def test_hls_js_plays_it_in_a_browser(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, hls_js: Path, served: str
) -> None:
    (tmp_path / "index.html").write_text(PAGE)
    shutil.copy(hls_js, tmp_path / "hls.js")
    output = made(tmp_path / "live.m3u8", 8)
    try:
        with browsing(tmp_path_factory.mktemp("browser")) as browser:
            browser.get(f"{served}/index.html")
            script = (
                "const v = document.getElementById('video'); return [v.currentTime, v.videoWidth,"
            )
            script += " v.captureStream().getAudioTracks().length, document.title]"
            begins = browser.execute_script(script)[0]
            wait_until(lambda: browser.execute_script(script)[0] > begins + 1, 20)
            _, width, sound, title = browser.execute_script(script)
            assert (width, title) == (FORMAT.width, "")
            assert sound == 1
    finally:
        output.close()
