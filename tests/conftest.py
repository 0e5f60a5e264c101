"""Fixtures that all tests share: real clips, free ports, the team's media, an empty environment."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from appliance.system import redact

ROOT = Path(__file__).resolve().parent.parent

# How long an example takes says more about the machine's other work than about our code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

pytest_plugins = ("tests.engines", "tests.kernels.fixtures", "tests.sources.microphones")

ClipFactory = Callable[..., Path]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The team's shared media: $MATTEBOX_SHARED, or shared/ beside the repository."""
    folder = Path(os.environ.get("MATTEBOX_SHARED", ROOT.parent / "shared"))
    if not (folder / "media").is_dir():
        pytest.skip(f"no shared media in {folder}; name their folder in MATTEBOX_SHARED")
    return folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings in the developer's environment must not reach the tests."""
    for name in list(os.environ):
        if name.startswith("MATTEBOX_") and name != "MATTEBOX_SHARED":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _runtime() -> Iterator[str]:
    """A runtime directory with a name short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="mb") as folder:
        yield folder


@pytest.fixture(autouse=True)
def _sockets_of_our_own(monkeypatch: pytest.MonkeyPatch, _runtime: str) -> None:
    """No ``mattebox reload`` from outside finds a test's appliance, nor the reverse."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", _runtime)


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test treats as a secret must not be redacted from another's messages."""
    monkeypatch.setattr(redact, "_known", {})
    monkeypatch.setattr(redact, "_pattern", None)


@pytest.fixture(autouse=True)
def _nobody_has_guessed() -> None:
    """Wrong passwords that one test gave must not keep the next one's right one out."""
    access = sys.modules.get("appliance.outputs.rtsp.access")
    if access is not None:
        access.wrong_passwords.forget()


@pytest.fixture(autouse=True)
def _log_as_at_the_start() -> Iterator[None]:
    """One test's log set-up must not leak into the next."""
    # Tracebacks as the appliance writes them. structlog's default draws all variables of each, and
    # takes a second for it, in which a dying thread cannot end.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    yield
    structlog.reset_defaults()


@pytest.fixture
def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipFactory:
    """A factory for small real videos, each made once per session.

    ``clip(width=320, height=240, fps=30, frames=30, codec="libx264", pix_fmt="yuv420p",
    matrix="bt709", range="tv", suffix=".mp4", source="testsrc2", args=())`` gives the path of a
    video made by ffmpeg: ``matrix`` is bt709, smpte170m or "" (unspecified), ``range`` tv, pc or
    "", ``source`` a lavfi source that accepts size and rate, ``args`` further output options.
    Do not write to it.
    """
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed (make test installs it)")
    folder = tmp_path_factory.mktemp("clips")
    made: dict[tuple[object, ...], Path] = {}

    def make(
        width: int = 320,
        height: int = 240,
        fps: int | Fraction = 30,
        frames: int = 30,
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        matrix: str = "bt709",
        range: str = "tv",
        suffix: str = ".mp4",
        source: str = "testsrc2",
        args: tuple[str, ...] = (),
    ) -> Path:
        key = (
            width, height, fps, frames, codec, pix_fmt, matrix, range, suffix, source, args,
        )  # fmt: skip
        if key in made:
            return made[key]
        path = folder / f"{len(made)}{suffix}"
        joiner = ":" if "=" in source else "="
        # Through RGB, so that the samples really follow matrix and range; some sources cannot draw
        # very small pictures, but the scaler can.
        scale = f"scale={width}:{height}:out_color_matrix={matrix or 'auto'}"
        convert = f"format=rgb24,{scale}{f':out_range={range}' if range else ''},format={pix_fmt}"
        drawn = f"{max(width, 32)}x{max(height, 32)}"
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi"]
        command += ["-i", f"{source}{joiner}size={drawn}:rate={Fraction(fps)}"]
        command += ["-frames:v", str(frames), "-vf", convert, "-c:v", codec]
        if codec == "libx264":
            command += ["-preset", "ultrafast", "-g", "15"]
        if matrix:
            command += ["-colorspace", matrix, "-color_primaries", matrix, "-color_trc", matrix]
        if range:
            command += ["-color_range", range]
        done = subprocess.run(
            [*command, *args, str(path)], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        made[key] = path
        return path

    return make


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of a tiny network that takes whatever is bright for the person."""
    from tests.networks.bright import bright_network

    return bright_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a bright disc, the person, swaying in a red room. Do not write to it."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed (make test installs it)")
    from tests.scenes import room_clip

    return room_clip(tmp_path_factory.mktemp("room") / "room.mp4")
