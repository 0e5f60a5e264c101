"""``mattebox reload`` and ``scene``: find the running appliance, ask it, report the outcome."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.config.tree import one_line
from appliance.errors import InputError, MatteboxError
from appliance.service import control_socket

_WHO_S = 5.0
# Time for the answer itself, on top of the reload's.
_GRACE_S = 2.0
_ANSWER_BYTES = 16 << 20
_MOST_LINE = 2000


class NotRunning(MatteboxError, RuntimeError):
    """No running appliance can be asked, or it does not answer: exit code 1."""


@dataclass(frozen=True, slots=True)
class Running:
    """An appliance that answers: its socket, its PID, and its file (None: defaults only)."""

    socket: Path
    pid: int
    config: str | None


def run(config: Path | None, pid: int | None, timeout: float) -> int:
    """Have the appliance read its configuration again, and report the outcome.

    Returns 0 if it was applied or nothing had changed, 2 if it was refused. Raises InputError when
    it is unclear which appliance is meant, NotRunning when none answers in time.
    """
    found = choose(find(), config, pid)
    answer = ask(found.socket, {"verb": "reload", "timeout_s": timeout}, timeout + _GRACE_S)
    return _report(answer, "reloaded", "the last good configuration stays", found, timeout)


def switch(
    name: str | None, frames: int | None, config: Path | None, pid: int | None, timeout: float
) -> int:
    """Have the appliance switch to a scene, and report the outcome; without a name, list them.

    Returns and raises as ``run`` does.
    """
    found = choose(find(), config, pid)
    if name is None:
        answer = ask(found.socket, {"verb": "scenes"}, timeout)
        scenes, active = answer.get("scenes"), answer.get("active")
        if not isinstance(scenes, list):
            raise _no_answer(found, answer)
        for each in ["none", *map(str, scenes)]:
            print(f"{'*' if each == active else ' '} {one_line(each, _MOST_LINE)}")
        return 0
    request = {"verb": "scene", "name": name, "dissolve_frames": frames, "timeout_s": timeout}
    answer = ask(found.socket, request, timeout + _GRACE_S)
    code = _report(answer, "switched", "the scene before stays", found, timeout)
    if answer.get("note"):
        print(f"mattebox: {one_line(str(answer['note']), _MOST_LINE)}", file=sys.stderr)
    return code


def _report(answer: dict[str, Any], done: str, stays: str, asked: Running, timeout: float) -> int:
    outcome = answer.get("outcome")
    if outcome == "applied":
        print(f"{done}: {', '.join(map(str, answer['changed']))}")
        return 0
    if outcome == "unchanged":
        print(f"{done}: nothing has changed")
        return 0
    if outcome == "refused":
        print(f"mattebox: not {done}; {stays}:", file=sys.stderr)
        for line in str(answer["reason"]).splitlines():
            print(f"  {one_line(line, _MOST_LINE)}", file=sys.stderr)
        return 2
    if outcome == "late":
        raise NotRunning(
            f"the change was not made within {timeout:g} s, and goes on being made by process "
            f"{asked.pid}; its log, or its status line, will tell"
        )
    raise _no_answer(asked, answer)


def _no_answer(asked: Running, answer: dict[str, Any]) -> NotRunning:
    return NotRunning(f"process {asked.pid} gave an answer that is none: {answer!r:.200}")


def find(folders: Sequence[Path] | None = None) -> list[Running]:
    """Every appliance that this user can ask."""
    found = []
    for folder in control_socket.folders() if folders is None else folders:
        for path in sorted(folder.glob(f"*{control_socket.SUFFIX}")):
            if not control_socket.trusted(path):
                continue
            try:
                answer = ask(path, {"verb": "who"}, _WHO_S)
            except NotRunning:
                continue  # was killed, leaving its socket behind
            if isinstance(answer.get("pid"), int):
                found.append(Running(path, answer["pid"], answer.get("config")))
    return found


def choose(found: Sequence[Running], config: Path | None, pid: int | None) -> Running:
    """Pick the one that is meant. Raises InputError or NotRunning."""
    if not found:
        looked = " and ".join(map(str, control_socket.folders()))
        raise NotRunning(
            f"no running appliance was found (looked in {looked}); start one with mattebox run, "
            "or see systemctl status mattebox. The service is root's and its own user's to ask: "
            "sudo mattebox reload"
        )
    fitting = [one for one in found if pid in (None, one.pid)]
    if config is not None:
        wanted = str(config.absolute())
        fitting = [one for one in fitting if one.config is not None and _same(one.config, wanted)]
    if len(fitting) == 1:
        return fitting[0]
    running = "; ".join(f"process {one.pid} with {one.config or 'defaults'}" for one in found)
    which = "none of them is meant" if not fitting else "it is not clear which is meant"
    raise InputError(f"found {running}: {which}; name one by --pid or --config")


def ask(path: Path, request: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Ask the appliance at ``path``. Raises NotRunning after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    data = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            while not data.endswith(b"\n") and len(data) < _ANSWER_BYTES:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                if not (piece := connection.recv(1 << 16)):
                    break
                data += piece
        answer = json.loads(data)
    except (OSError, ValueError) as error:
        what = str(error) if data or isinstance(error, OSError) else "it ended, or has no time"
        raise NotRunning(f"{path}: the appliance did not answer ({what}); try again") from error
    if not isinstance(answer, dict):
        raise NotRunning(f"{path}: found {answer!r:.100} for an answer; is that a mattebox?")
    return answer


def _same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return one == other
