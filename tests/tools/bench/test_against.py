"""Two states measured in turns: what is compared, and what is refused."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.system import folders, jit_cache
from appliance.tools.bench import against

STEP = {"median_ms": 9.0, "cpu_ms_per_frame": 1.5, "passes": 8}


def test_numbers_by_their_path_and_of_a_step_its_cpu_time() -> None:
    report = {"stages": {"stages": {"crop": STEP}, "total_cpu_ms": 7}, "machine": "x", "live": True}
    assert against.flat(report) == {"stages.stages.crop": 1.5, "stages.total_cpu_ms": 7.0}
    parts = {"path": {"cpu_ms_per_frame": {"decoder": 4}, "fps": 60}}
    assert against.flat(parts) == {"path.cpu_ms_per_frame.decoder": 4.0, "path.fps": 60.0}


def test_medians_of_what_both_have() -> None:
    before = [{"a": 4.0, "gone": 1.0}, {"a": 8.0, "gone": 1.0}, {"a": 100.0, "gone": 1.0}]
    now = [{"a": 2.0, "new": 1.0, "none": 0.0}] * 3
    assert against.compare(before, now) == {"a": {"before": 8.0, "now": 2.0, "ratio": 0.25}}
    assert against.compare([{"none": 0.0}], [{"none": 1.0}]) == {"none": {"before": 0, "now": 1}}


def test_each_state_gets_the_command_without_the_other() -> None:
    given = ["bench", "--against", "/before", "--only", "stages", "--json", "--against=/x"]
    assert against.without_against(given) == ["bench", "--only", "stages"]


def test_a_folder_without_a_checkout_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "bench", "--against", str(tmp_path)],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "no checkout of mattebox" in done.stderr


def state(folder: Path, cost: int) -> Path:
    """A program that prints what it costs, and what it was asked for."""
    (folder / "appliance/cli").mkdir(parents=True)
    for package in ("appliance", "appliance/cli"):
        (folder / package / "__init__.py").touch()
    (folder / "appliance/cli/main.py").write_text(
        "import json, os, sys\n"
        "def main():\n"
        f"    kept = int({jit_cache.VARIABLE!r} in os.environ)\n"
        f"    print(json.dumps({{'cost': {cost}, 'asked': len(sys.argv[1:]), 'kept': kept}}))\n"
    )
    return folder


def test_two_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before, now = state(tmp_path / "before", 4), state(tmp_path / "now", 3)
    monkeypatch.setattr(against.folders, "root", lambda: now)
    # Where a checkout lies, too: it is not to be taken for either.
    monkeypatch.chdir(folders.PACKAGE.parent)
    assert against.run(before, ["bench"], (64, 36), as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["cost"] == {"before": 4, "now": 3, "ratio": 0.75}
    assert found["figures"]["asked"]["now"] == len(["bench", "--json"])
    assert found["copy_ms"] > 0
    # Nobody is sent to the other's compiled kernels.
    assert jit_cache.VARIABLE in os.environ
    assert found["figures"]["kept"] == {"before": 0, "now": 0}


def test_whoever_is_measured_ends_with_whoever_measures(tmp_path: Path) -> None:
    waits = state(tmp_path / "waits", 0)
    reading, writing = os.pipe()
    (waits / "appliance/cli/main.py").write_text(
        f"import os, time\ndef main():\n    os.write({writing}, b'here')\n    time.sleep(60)\n"
    )
    measures = (
        "import subprocess, sys\n"
        "from functools import partial\n"
        "from pathlib import Path\n"
        "from appliance.tools.bench import against\n"
        "subprocess.run = partial(subprocess.run, close_fds=False)\n"
        "against._measure(Path(sys.argv[1]), [])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", measures, str(waits)], pass_fds=[writing], stderr=subprocess.DEVNULL
    )
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read(4) == b"here"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM
        # The end of the pipe: nobody holds its other side any more.
        assert select.select([pipe], [], [], 20)[0]
        assert pipe.read() == b""
