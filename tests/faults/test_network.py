"""Networks that throw, hang or talk nonsense; ``daemon/test_privacy.py`` has what goes out then."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from appliance.daemon import daemon as daemon_module
from appliance.errors import MattingError
from tests.daemons import running
from tests.faults.box import configuration, program
from tests.faults.conftest import Measured
from tests.faults.stand_ins import CAMERA, Camera, Resources, wait_until
from tests.patience import promised

SETTINGS = {"source": {"uri": CAMERA}, "matting": {"stall_s": 0.2}}

# The network hangs from SIGUSR1 on, for good.
HANGS = """
import signal, threading
from appliance.daemon import daemon
from appliance.networks.onnxruntime import OnnxRuntimeMatting
daemon.HANG_S = 1.5
hung = []
infer = OnnxRuntimeMatting.infer
def held(self, **options):
    if hung:
        threading.Event().wait()
    return infer(self, **options)
OnnxRuntimeMatting.infer = held
signal.signal(signal.SIGUSR1, lambda *_: hung.append(1))
"""


def test_the_picture_comes_back_and_nothing_stays(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, measured: Measured
) -> None:
    with running(monkeypatch, network, **SETTINGS) as (daemon, recorder, matting):
        recorder.wait_for("composite", 3)
        before = Resources.now()
        for how in ("throws", "nan", "inf", "ones", "hangs"):
            matting.break_it(how)
            recorder.wait_for("slate", 3)
            matting.mend()
            back = wait_until(lambda: daemon.programme.trouble is None)
            measured(f"network: {how}, and no more", back)
            recorder.wait_for("composite", 3)
        after = Resources.now()
        assert after.descriptors <= before.descriptors
        assert after.threads <= before.threads


def test_a_network_that_hangs_for_good_ends_the_daemon(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera
) -> None:
    monkeypatch.setattr(daemon_module, "HANG_S", 0.6)
    with running(monkeypatch, network, **SETTINGS) as (daemon, recorder, matting):
        recorder.wait_for("composite", 3)
        assert daemon.ended() is None
        matting.break_it("hangs")
        with pytest.raises(MattingError, match=r"not answered for 0\.6 s .* starts it anew"):
            wait_until(daemon.ended)
        # As long as that is not for good, it is none of the daemon's end.
        matting.mend()
        recorder.wait_for("composite", 3)
        assert daemon.ended() is None


def test_time_in_which_the_process_did_not_run_is_no_hanging(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(daemon_module.time, "monotonic", lambda: now)
    hung = daemon_module._Hung()
    assert hung.after(5) == 0
    now = 3600.0
    assert hung.after(5) <= 1
    assert hung.after(6) == 0
    now += 0.5
    assert hung.after(6) == 0.5
    assert hung.after(None) == 0


def test_the_program_ends_in_words_although_its_network_hangs(
    network: Path, room: Path, tmp_path: Path
) -> None:
    with program(configuration(tmp_path, network, room), driver=HANGS) as mattebox:
        mattebox.wait_for("composites go out")
        mattebox.process.send_signal(signal.SIGUSR1)
        mattebox.wait_for("the network does not answer")
        # What systemd waits for at the end is not exceeded by what hangs.
        assert mattebox.process.wait(20) == 1
    assert mattebox.says("mattebox: the network has not answered for 1.5 s")
    assert not mattebox.says("Traceback")


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_the_network_hangs(
    network: Path, room: Path, tmp_path: Path, number: int
) -> None:
    driver = HANGS.replace("HANG_S = 1.5", "HANG_S = 60")
    with program(configuration(tmp_path, network, room), driver=driver) as mattebox:
        mattebox.wait_for("composites go out")
        mattebox.process.send_signal(signal.SIGUSR1)
        mattebox.wait_for("the network does not answer")
        code, took = mattebox.end(number)
        assert (code, took < promised(5)) == (0, True)


def test_a_stopped_process_goes_on(
    monkeypatch: pytest.MonkeyPatch, network: Path, camera: Camera, measured: Measured
) -> None:
    """As after a suspend: what was being done is older than every limit, and nothing is wrong."""
    monkeypatch.setattr(daemon_module, "HANG_S", 1.2)
    with running(monkeypatch, network, **SETTINGS) as (daemon, recorder, _):
        recorder.wait_for("composite", 3)
        assert daemon.ended() is None
        script = f"kill -STOP {os.getpid()}; sleep 1; kill -CONT {os.getpid()}"
        subprocess.run(["sh", "-c", script], check=True, timeout=30)
        assert daemon.ended() is None
        recorder.wait_for("composite", 3)
        measured("process stopped and continued", wait_until(lambda: not daemon.programme.trouble))
