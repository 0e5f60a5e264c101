"""The command line: ``mattebox run | reload | scene | check | doctor | devices | bench | …``.

Only the parser lives here. A verb's code is imported when the verb is run, so that ``--help`` does
not wait for numpy.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance import __version__
from appliance.cli import avatar, engine
from appliance.errors import ConfigError, InputError, MatteboxError

EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

_EPILOG = """\
examples:
  mattebox run                                  what config.yaml says; with no camera, a demo
  mattebox run --source v4l2:///dev/video0 --background office.jpg
  mattebox run --source clip.mp4 --output out.mp4 --output display://
  mattebox run --set steady.strength=0.9 --set outputs.0.bitrate_kbps=6000
  mattebox check --config /etc/mattebox/config.yaml
  mattebox reload                               saving the file does the same; this tells
  mattebox scene lectern                        the running appliance switches to a scene
  mattebox doctor                               what this machine has and lacks
  mattebox engine build                         a TensorRT engine of the network, for this GPU

The stream is at rtsp://127.0.0.1:8554/live unless the configuration says otherwise.

configuration: --config FILE, else ./config.yaml, else /etc/mattebox/config.yaml, else defaults.
Every key is explained in config.yaml. A flag beats the environment, which beats the file:
  MATTEBOX_SOURCE__URI=clip.mp4 mattebox run    a double underscore for each dot

exit codes: 0 done; 1 failed while running; 2 the input is wrong (a flag, a setting, a file)
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


def _number(kind: type[int] | type[float], least: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value < float("inf"):
            words = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"found {text}, expected {words} from {least:g}")
        return value

    return parse


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    sides = (width, height)
    if not all(
        s.isascii() and s.isdigit() and 0 < int(s) <= 8192 and int(s) % 2 == 0 for s in sides
    ):
        raise argparse.ArgumentTypeError(
            f"found {text}, expected WIDTHxHEIGHT, both even, such as 1920x1080"
        )
    return int(width), int(height)


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(
            f"found {text}, expected KEY=VALUE such as steady.strength=0.9"
        )
    return key.strip(), value


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="mattebox",
        description="Cut the person out of live video, put them on another background, serve it.",
        epilog=_EPILOG,
        formatter_class=_Formatter,
    )
    top.add_argument("--version", action="version", version=f"mattebox {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, summary: str, *, settings: bool = True) -> argparse.ArgumentParser:
        sub = verbs.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=_Formatter,
        )
        sub.add_argument(
            "-v", "--verbose", action="store_true", help="log more; show tracebacks of errors"
        )
        if settings:
            _add_settings(sub)
        return sub

    run = verb("run", "serve: source in, person on the background out")
    run.add_argument(
        "--duration", metavar="SECONDS", type=_number(float, 0.0), help="stop after so long"
    )
    run.add_argument(
        "--frames", metavar="N", type=_number(int, 1), help="stop after so many frames sent"
    )

    reload = verb(
        "reload",
        "have the running appliance read its configuration again; says what came of it",
        settings=False,
    )
    scene = verb(
        "scene",
        "switch the running appliance to a scene; without a name, list the scenes",
        settings=False,
    )
    scene.add_argument("name", metavar="NAME", nargs="?", help="its name; none: no scene")
    scene.add_argument(
        "--dissolve", metavar="N", type=_number(int, 0), help="frames, if not the scene's own"
    )
    for asking in (reload, scene):
        asking.add_argument(
            "--config", metavar="FILE", type=Path, help="the one that runs with FILE"
        )
        asking.add_argument("--pid", metavar="N", type=_number(int, 1), help="the one of process N")
        asking.add_argument(
            "--timeout",
            metavar="SECONDS",
            type=_number(float, 0.1),
            default=60.0,
            help="how long to wait for what comes of it (60)",
        )

    check = verb("check", "validate the configuration and the files it names; opens no camera")
    check.add_argument("--print", action="store_true", help="print the resulting settings as YAML")
    check.add_argument(
        "--cascade", action="store_true",
        help="print the steps of a frame's path: on or off, where each runs, what it costs",
    )  # fmt: skip
    check.add_argument("--schema", action="store_true", help="print the JSON Schema and do no more")

    doctor = verb("doctor", "what this machine has and lacks, and what to install")
    doctor.add_argument("--json", action="store_true", help="print JSON instead")

    devices = verb("devices", "list cameras, displays and loopback devices", settings=False)
    devices.add_argument("--json", action="store_true", help="print JSON instead")

    bench = verb("bench", "measure this machine: milliseconds a stage, frames a second")
    bench.add_argument("--json", action="store_true", help="print JSON instead of a table")
    bench.add_argument("--frames", metavar="N", type=_number(int, 1), help="frames to measure")
    bench.add_argument("--size", metavar="WxH", type=_size, help="picture size (1920x1080)")
    bench.add_argument("--clip", metavar="FILE", type=Path, help="the clip to work on")
    bench.add_argument("--only", metavar="NAME", help="run this benchmark only")
    bench.add_argument(
        "--against", metavar="FOLDER", type=Path,
        help="another checkout, measured in turns with this one",
    )  # fmt: skip
    bench.add_argument(
        "--gpu", action="store_true", help="the GPU's kernels and frame path, against their targets"
    )

    bench.add_argument(
        "--sessions", metavar="N", type=_number(int, 1),
        help="what so many sessions of an avatar cost, all on one core",
    )  # fmt: skip
    bench.add_argument(
        "--talk", action="store_true", help="how soon an avatar speaks, is silent, and idles again"
    )
    bench.add_argument("--avatar", metavar="NAME", help="the avatar to measure with")

    snapshot = verb("snapshot", "write input, matte and composite of one frame, side by side")
    snapshot.add_argument(
        "--out",
        metavar="FILE.png",
        type=Path,
        default=Path("snapshot.png"),
        help="where to write it (snapshot.png)",
    )
    snapshot.add_argument(
        "--frames",
        metavar="N",
        type=_number(int, 0),
        default=30,
        help="frames to let pass first, so that the matte has settled (30)",
    )
    engine.add_verbs(lambda name, summary: verb(name, summary, settings=False), _Formatter)
    avatar.add_verb(lambda name, summary: verb(name, summary, settings=False), _Formatter, _size)
    return top


def _add_settings(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("settings (see config.yaml)")
    group.add_argument("--config", metavar="FILE", type=Path, help="the configuration file")
    group.add_argument(
        "--source", metavar="URI", help="v4l2:///dev/video0, rtsp://…, a file, demo://, …"
    )
    group.add_argument(
        "--background", metavar="URI", help="a picture, a video, colour:#RRGGBB, blur://, …"
    )
    group.add_argument(
        "--output",
        metavar="URI",
        action="append",
        dest="outputs",
        help="rtsp://…, display://, a .mp4, v4l2://…, null://; may repeat; replaces the file's",
    )
    group.add_argument("--model", metavar="NAME", help="a network in engines/, or a manifest.yaml")
    group.add_argument(
        "--set",
        metavar="KEY=VALUE",
        type=_setting,
        action="append",
        dest="settings",
        default=[],
        help="any setting, for example roi.margin=0.3; may repeat",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    options = parser().parse_args(arguments)
    from appliance.cli.verbs import VERBS
    from appliance.system.redact import guard_tracebacks, redact

    if arguments is None:  # as a process, not called from a test
        guard_tracebacks()
    try:
        code = VERBS[options.verb](options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("mattebox: interrupted", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:
        # The reader of our output has gone (| head), as is its right. What is still buffered must
        # not be retried when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except MemoryError:
        from appliance.system import memory

        print(f"mattebox: {memory.spent() or 'out of memory'}", file=sys.stderr)
        return EXIT_FAILED
    except MatteboxError as error:
        if options.verbose:
            print(redact(traceback.format_exc()), end="", file=sys.stderr)
        print(redact(_message(error)), file=sys.stderr)
        return EXIT_USAGE if isinstance(error, (ConfigError, InputError)) else EXIT_FAILED


def _message(error: MatteboxError) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    if len(lines) == 1:
        return f"mattebox: {lines[0]}"
    return "\n".join([f"mattebox: {len(lines)} mistakes:", *(f"  {line}" for line in lines)])
