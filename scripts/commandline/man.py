"""mattebox(1), in the macros of man(7)."""

from __future__ import annotations

import re

from scripts.commandline.commands import Argument, Command

_HEADS = ("examples", "configuration", "exit codes")


def page(top: Command, epilog: str, version: str) -> str:
    """The man page of a program, whose epilog is paragraphs that begin with ``head:``."""
    return "\n".join(
        [
            f'.TH MATTEBOX 1 "" "mattebox {version}" "User Commands"',
            ".SH NAME",
            "mattebox \\- live background replacement",
            ".SH SYNOPSIS",
            *(line for each in top.children for line in _synopsis(each)),
            ".SH DESCRIPTION",
            _text(top.description),
            ".SH OPTIONS",
            *(line for each in top.options for line in _argument(each)),
            ".SH COMMANDS",
            *(line for each in top.all()[1:] for line in _command(each)),
            *_shared(top),
            *_epilog(epilog),
            ".SH SEE ALSO",
            "/opt/mattebox/share/service.md, /opt/mattebox/share/faults.md,",
            "and the comments of /etc/mattebox/config.yaml, which explain every setting.",
            "",
        ]
    )


def _synopsis(command: Command) -> list[str]:
    words = [f".B {_text(' '.join(('mattebox', *command.path)))}"]
    if command.children:
        words.append("{" + "|".join(each.path[-1] for each in command.children) + "}")
    words.append("[\\fIoption\\fR ...]")
    for each in command.positionals:
        value = f"\\fI{_text(each.value)}\\fR"
        words.append(value if each.needed else f"[{value}]")
    return [words[0], *words[1:], ".br"]


def _command(command: Command) -> list[str]:
    lines = [f".SS {' '.join(command.path)}", _text(command.description)]
    if not command.children:
        lines += [".PP", *_synopsis(command)[:-1]]
    for each in command.arguments:
        # --help stands among the options of the whole.
        if not each.group and "--help" not in each.flags:
            lines += _argument(each)
    shared = dict.fromkeys(each.group for each in command.arguments if each.group)
    lines += [f".PP\nAlso the options under {_head(group)}." for group in shared]
    return lines


def _shared(top: Command) -> list[str]:
    """The groups of options that several commands have, each once."""
    groups: dict[str, dict[Argument, None]] = {}
    for command in top.all():
        for each in command.options:
            if each.group:
                groups.setdefault(each.group, {})[each] = None
    lines = []
    for group, options in groups.items():
        lines += [f".SH {_head(group)}", *(line for each in options for line in _argument(each))]
    return lines


def _head(group: str) -> str:
    """A group's title as a heading: ``settings (see config.yaml)`` is SETTINGS."""
    return _text(group.partition(" (")[0].upper())


def _argument(argument: Argument) -> list[str]:
    value = f"\\fI{_text(argument.value)}\\fR"
    flags = ", ".join(f"\\fB{_text(flag)}\\fR" for flag in argument.flags)
    name = f"{flags} {value}" if flags and argument.value else flags or value
    return [".TP", name, _text(argument.help)]


def _epilog(epilog: str) -> list[str]:
    lines: list[str] = []
    inside = False
    for line in epilog.strip().splitlines():
        head, colon, rest = line.partition(":")
        if colon and head in _HEADS:
            lines += [".fi"] * inside + [f".SH {head.upper()}", ".nf"]
            inside = True
            line = rest.strip()
            if not line:
                continue
        lines.append(_text(line) if line else "")
    return lines + [".fi"] * inside


def _text(text: str) -> str:
    """Text that roff takes literally: its escapes, its requests, and hyphens that stay hyphens."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.MULTILINE)
