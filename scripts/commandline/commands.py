"""The commands of an argparse parser, with what each takes, as plain data."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Argument:
    """An option, or a positional argument, which has no ``flags``."""

    flags: tuple[str, ...]
    value: str  # what its value is called; "" for a switch
    help: str
    choices: tuple[str, ...]
    files: bool  # whether its value is, or may be, a file
    repeats: bool
    needed: bool
    group: str  # the title of its group; "" for those of the command itself


@dataclass(frozen=True)
class Command:
    """The whole program (an empty ``path``), a verb of it, or an action of a verb."""

    path: tuple[str, ...]
    summary: str
    description: str
    arguments: tuple[Argument, ...]
    children: tuple[Command, ...]

    @property
    def options(self) -> tuple[Argument, ...]:
        """Its options."""
        return tuple(each for each in self.arguments if each.flags)

    @property
    def positionals(self) -> tuple[Argument, ...]:
        """Its positional arguments, without the verb."""
        return tuple(each for each in self.arguments if not each.flags)

    def all(self) -> tuple[Command, ...]:
        """This command and all below it, in the parser's order."""
        return (self, *(each for child in self.children for each in child.all()))


def commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = (), summary: str = ""
) -> Command:
    """The command that a parser stands for, with all below it."""
    arguments: list[Argument] = []
    children: list[Command] = []
    own = {parser._positionals.title, parser._optionals.title}
    for group in parser._action_groups:
        title = "" if group.title in own else group.title or ""
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                said = {each.dest: each.help or "" for each in action._choices_actions}
                children += [
                    commands(child, (*path, name), said[name])
                    for name, child in action.choices.items()
                ]
            else:
                arguments.append(_argument(action, title))
    return Command(path, summary, parser.description or "", tuple(arguments), tuple(children))


def _argument(action: argparse.Action, group: str) -> Argument:
    choices = tuple(str(choice) for choice in action.choices or ())
    switch = action.nargs == 0
    value = action.metavar or ("{" + "|".join(choices) + "}" if choices else action.dest.upper())
    return Argument(
        flags=tuple(action.option_strings),
        value="" if switch else str(value),
        help=(action.help or "") % {**vars(action), "prog": "mattebox"},
        choices=choices,
        # A URI of Mattebox may be the path of a picture, a clip or a recording.
        files=not switch and (action.type is Path or action.metavar == "URI"),
        repeats=isinstance(action, argparse._AppendAction),
        needed=action.required,
        group=group,
    )
