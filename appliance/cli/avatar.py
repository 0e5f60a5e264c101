"""The verb ``avatar``: its options, and what it calls."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

Verb = Callable[[str, str], argparse.ArgumentParser]
Size = Callable[[str], tuple[int, int]]


def add_verb(verb: Verb, formatter: type[argparse.HelpFormatter], size: Size) -> None:
    """Add it to the command line. ``verb(name, summary)`` makes one; ``size`` reads WxH."""
    top = verb("avatar", "make an avatar from clips of a person; show, list or remove avatars")
    what = top.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, summary: str) -> argparse.ArgumentParser:
        return what.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=formatter,
        )  # fmt: skip

    make = action("make", "key clips once, and make an avatar of them, for --source avatar://NAME")
    make.description = (
        "Key clips once, and make an avatar of them, for --source avatar://NAME.\n\n"
        "FOLDER holds videos: idle.mp4 (idle2.mp4, …) is shown while nothing is asked, talk.mp4 "
        "while\nthe avatar speaks, any other, such as wave.mp4, is an action of that name. Or it "
        "holds avatar.yaml,\na list of cuts; a single video with --cuts will do, too. Broken off, "
        "it goes on where it was."
    )
    make.add_argument("folder", metavar="FOLDER", type=Path, help="of clips, or one video")
    make.add_argument("--name", metavar="NAME", default="", help="of the avatar (the folder's)")
    make.add_argument("--into", metavar="DIR", type=Path, help="where its folder will be")
    make.add_argument("--cuts", metavar="FILE", type=Path, help="a list of cuts, in YAML")
    make.add_argument(
        "--chroma", metavar="COLOUR", type=_chroma, default="auto",
        help="auto: a green or blue wall is keyed, where there is one; #RRGGBB: of this colour; "
        "off (auto)",
    )  # fmt: skip
    make.add_argument("--model", metavar="NAME", default="portrait", help="network (portrait)")
    make.add_argument(
        "--size", metavar="WxH", type=lambda text: None if text == "auto" else size(text),
        help="of the picture (auto: as the first idle clip)",
    )  # fmt: skip
    make.add_argument(
        "--fps", metavar="RATE", type=_rate, help="frames a second: 25, 29.97, 30000/1001 (auto)"
    )
    make.add_argument("--again", action="store_true", help="make what is finished, too")

    show = action("show", "print what is in an avatar, and draw a sheet of it")
    show.add_argument("name", metavar="NAME", help="of an avatar, or a path to its folder")
    show.add_argument("--out", metavar="FILE.png", type=Path, help="where to draw the sheet")
    action("list", "list the avatars there are")
    remove = action("remove", "remove an avatar")
    remove.add_argument("name", metavar="NAME", help="of an avatar, or a path to its folder")
    remove.add_argument("--yes", action="store_true", help="do not ask")


def _chroma(text: str) -> str:
    if text in ("auto", "off") or re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return text.lower()
    raise argparse.ArgumentTypeError(f"found {text}, expected auto, off or '#RRGGBB' in quotes")


def _rate(text: str) -> tuple[int, int] | None:
    if text == "auto":
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= 240:
        raise argparse.ArgumentTypeError(f"found {text}, expected a rate from 1 to 240, or auto")
    from appliance.tools.avatar.footage import usual_rate

    rate = rate.limit_denominator(1001)
    return usual_rate((rate.numerator, rate.denominator))


def avatar(options: argparse.Namespace) -> int:
    """Make, show, list or remove."""
    from appliance.system import log
    from appliance.tools.avatar import manage

    log.configure("debug" if options.verbose else "warning")
    if options.action == "list":
        return manage.list_avatars()
    if options.action == "remove":
        return manage.remove_avatar(options.name, sure=options.yes)
    if options.action == "show":
        from appliance.tools.avatar import show

        return show.show_avatar(options.name, options.out)
    return _make(options)


def _make(options: argparse.Namespace) -> int:
    from appliance.tools.avatar.make import MakeOptions, make_avatar
    from appliance.tools.bench.progress import BenchBar

    wish = MakeOptions(
        folder=options.folder, name=options.name, into=options.into, cuts=options.cuts,
        chroma=options.chroma, model=options.model, size=options.size, fps=options.fps,
        again=options.again,
    )  # fmt: skip

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with BenchBar(doing="", remaining=True) as bar:
        folder = make_avatar(wish, tell, bar)
    played = folder.name if options.into is None else folder.resolve()
    tell(f"play it with: mattebox run --source avatar://{played}")
    print(folder)
    return 0
