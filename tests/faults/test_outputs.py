"""Outputs that fail to open, hang, or fill their disk: they come back, and the others go on."""

from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.daemon import daemon as daemon_module
from appliance.errors import OutputError
from appliance.outputs.make import make_output
from appliance.outputs.rtsp.output import RtspOutput
from tests.daemons import running
from tests.faults.box import configuration, program
from tests.faults.conftest import Measured
from tests.faults.stand_ins import CAMERA, Camera, Resources, Sluice, wait_until
from tests.outputs.conftest import RtspByHand, picture
from tests.patience import promised


def test_a_recording_whose_folder_comes_later(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, tmp_path: Path,
    measured: Measured,
) -> None:  # fmt: skip
    folder = tmp_path / "mounted-later"
    folder.mkdir()
    settings = {
        "source": {"uri": CAMERA},
        "outputs": [{"uri": str(folder / "out.mkv")}, {"uri": "null://recorder"}],
    }
    folder.rmdir()
    with running(monkeypatch, network, **settings) as (daemon, recorder, _):
        recording = daemon.outputs[0]
        wait_until(lambda: recording.reconnects >= 2)
        recorder.wait_for("composite", 3)
        assert "No such file or directory" in (recording.last_error or "")
        folder.mkdir()
        measured("output opens again", wait_until(lambda: recording.frames > 3))
    assert (folder / "out.mkv").stat().st_size > 1000


@pytest.mark.parametrize("broken", [OutputError("it broke"), ZeroDivisionError("a mistake"), None])
def test_an_output_that_breaks_or_hangs_leaves_the_others_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, measured: Measured,
    broken: Exception | None,
) -> None:  # fmt: skip
    """With None, it hangs."""
    settings = {
        "source": {"uri": CAMERA},
        "outputs": [{"uri": "null://recorder"}, {"uri": "null://sluice"}],
    }
    sluice = Sluice()
    with running(monkeypatch, network, outputs=settings["outputs"], source=settings["source"]) as (
        daemon,
        recorder,
        _,
    ):
        # A change of the outputs puts the sluice in place of the second one.
        plain = daemon.settings
        monkeypatch.setattr(
            daemon_module, "make_output",
            lambda wanted: sluice if "sluice" in wanted.uri else make_output(wanted),
        )  # fmt: skip
        daemon.apply(plain.model_copy(update={"outputs": plain.outputs[:1]}))
        daemon.apply(plain)
        wait_until(lambda: sluice.frames > 3)
        if broken is None:
            sluice.free.clear()
        else:
            sluice.fails = broken
        recorder.wait_for("composite", 20)
        held = sluice.frames
        assert daemon.ended() is None
        sluice.fails = None
        sluice.free.set()
        name = "hangs" if broken is None else f"breaks ({type(broken).__name__})"
        measured(f"an output that {name}", wait_until(lambda: sluice.frames > held + 3))
        assert daemon.programme.trouble is None


def test_hanging_outputs_do_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera
) -> None:
    """However many hang, shutdown stays within systemd's timeout."""
    sluices: list[Sluice] = []

    def hanging(_: object) -> Sluice:
        sluices.append(Sluice())
        sluices[-1].free.clear()
        return sluices[-1]

    with running(monkeypatch, network, source={"uri": CAMERA}) as (daemon, recorder, _):
        monkeypatch.setattr(daemon_module, "make_output", hanging)
        outputs = [{"uri": "null://recorder"}, *({"uri": f"null://{i}"} for i in range(3))]
        data = daemon.settings.model_dump() | {"outputs": outputs}
        daemon.apply(type(daemon.settings).model_validate(data))
        recorder.wait_for("composite", 10)
        begun = time.monotonic()
        assert daemon.stop() is False
        assert time.monotonic() - begun < promised(5)
        for sluice in sluices:
            sluice.free.set()


def fill(path: Path) -> None:
    """A file that takes all the free space."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    room = True
    while room:
        try:
            os.write(descriptor, bytes(1 << 16))
        except OSError as error:
            room = error.errno != errno.ENOSPC
    os.close(descriptor)


def test_a_full_disk_ends_the_recording_until_there_is_room(
    network: Path, room: Path, tmp_path: Path, measured: Measured
) -> None:
    """Its own disk, filled by somebody else, then freed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    outputs = [{"uri": "null://"}, {"uri": str(disk / "out.mkv")}]
    config = configuration(tmp_path, network, room, outputs=outputs)
    # The process has its own mount namespace; its disk is reached through /proc.
    mount = f"mount -t tmpfs -o size=40m none {disk}"
    with program(config, before=mount) as mattebox:
        mattebox.wait_for("composites go out")
        seen = Path(f"/proc/{mattebox.process.pid}/root{disk}")
        wait_until(lambda: (seen / "out.mkv").stat().st_size > 0)
        filler = seen / "filler"
        fill(filler)
        mattebox.wait_for("output broke")
        # Reported once, retried again and again, and no heap of empty recordings.
        threading.Event().wait(2.5)
        assert sum("output broke" in line for line in mattebox.log) <= 2
        assert not mattebox.says("the placeholder goes out", 2)
        assert len(list(seen.glob("out*"))) <= 2
        held = Resources.now(mattebox.process.pid)
        filler.unlink()
        back = wait_until(lambda: any(f.stat().st_size for f in seen.glob("out-*.mkv")))
        measured("recording after a full disk has room again", back)
        now = Resources.now(mattebox.process.pid)
        assert now.threads <= held.threads + 8
        code, took = mattebox.end()
        assert (code, took < promised(5)) == (0, True)


def test_a_machine_too_slow_for_its_encoder_puts_no_reader_out(measured: Measured) -> None:
    """Frames come ten times as fast as they can be encoded; the one reader takes what it gets."""
    from tests.outputs.conftest import FORMAT

    output = RtspOutput("rtsp://127.0.0.1:0/live")
    output.open(FORMAT)
    stop = threading.Event()
    frame = picture()

    def flood() -> None:
        while not stop.is_set():
            output.write(replace(frame, pts=time.monotonic_ns()))
            stop.wait(0.001)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        with RtspByHand(output.uri) as reader:
            reader.play()
            reader.socket.settimeout(10)
            until = time.monotonic() + 2.5
            received = 0
            while time.monotonic() < until:
                piece = reader.socket.recv(65536)
                assert piece, "it was put out"
                received += len(piece)
            assert received > 20_000
    finally:
        stop.set()
        thread.join(5)
        output.close()
