"""Completions for bash, zsh and fish."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scripts.commandline.commands import Argument, Command

_MADE = "# Made from the parser of the command line (scripts/commandline); do not edit."


def bash(top: Command) -> str:
    """A completion for bash 4.4 and later."""
    steps, words, files, values, lists = [], [], [], [], []
    for each in top.all():
        key = "/".join(("", *each.path))
        steps += [f"{key}/{child.path[-1]}" for child in each.children]
        offered = [child.path[-1] for child in each.children]
        offered += [choice for argument in each.positionals for choice in argument.choices]
        offered += [flag for option in each.options for flag in option.flags]
        words.append(f"        '{key}') words='{' '.join(offered)}' ;;")
        for option in each.options:
            cases = "|".join(f"'{key} {flag}'" for flag in option.flags)
            if option.choices:
                lists.append(f"        {cases}) words='{' '.join(option.choices)}' ;;")
            elif option.files:
                files.append(cases)
            elif option.value:
                values.append(cases)
    return f"""\
# bash completion for mattebox
{_MADE}
_mattebox() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} at='' words='' word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case $at/$word in
            {"|".join(steps)}) at=$at/$word ;;
        esac
    done
    case $at in
{chr(10).join(words)}
    esac
    case "$at $prev" in
{chr(10).join(lists)}
        {"|".join(values)}) words='' ;;
        {"|".join(files)})
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -F _mattebox mattebox
"""


def fish(top: Command) -> str:
    """A completion for fish."""
    lines = ["# fish completion for mattebox", _MADE, "complete -c mattebox -f"]
    for each in top.all():
        here = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in each.path)
        below = " ".join(child.path[-1] for child in each.children)
        fresh = f"not __fish_seen_subcommand_from {below}"
        fresh = f"{here}; and {fresh}" if here else fresh
        for child in each.children:
            lines.append(
                f"complete -c mattebox -n '{fresh}' -a {child.path[-1]} -d {_quoted(child.summary)}"
            )
        for option in each.options:
            # What belongs to a command that has others below it is not theirs.
            lines.append(
                f"complete -c mattebox -n '{fresh if below else here}' {_fish_option(option)}"
            )
    return "\n".join([*lines, ""])


def _fish_option(option: Argument) -> str:
    words = [f"-l {flag[2:]}" if flag[:2] == "--" else f"-s {flag[1:]}" for flag in option.flags]
    if option.choices:
        words.append(f"-x -a '{' '.join(option.choices)}'")
    elif option.value:
        words.append("-r -F" if option.files else "-x")
    return " ".join([*words, f"-d {_quoted(option.help)}"])


def zsh(top: Command) -> str:
    """A completion for zsh."""
    parts = ["#compdef mattebox", _MADE]
    for each in reversed(top.all()):
        specs = [_zsh_argument(argument) for argument in each.arguments]
        if not each.children:
            parts.append(_zsh_function(each, ["_arguments " + _joined(specs)]))
            continue
        offered = [_quoted(f"{child.path[-1]}:{child.summary}") for child in each.children]
        cases = [f"        {c.path[-1]}) {_zsh_name(c)} ;;" for c in each.children]
        specs += ["': :->command'", "'*:: :->rest'"]
        body = [
            "local curcontext=$curcontext state line",
            "_arguments -C " + _joined(specs),
            "case $state in",
            "    command) local -a offered=(" + _joined(offered) + ")",
            "        _describe command offered ;;",
            "    rest) case $line[1] in",
            *cases,
            "    esac ;;",
            "esac",
        ]
        parts.append(_zsh_function(each, body))
    return "\n".join([*parts, '_mattebox "$@"', ""])


def _zsh_name(command: Command) -> str:
    return "_".join(("_mattebox", *command.path))


def _zsh_function(command: Command, body: Iterable[str]) -> str:
    return "\n".join([f"{_zsh_name(command)}() {{", *(f"    {line}" for line in body), "}"])


def _zsh_argument(argument: Argument) -> str:
    takes = ""
    if argument.value:
        way = f"({' '.join(argument.choices)})" if argument.choices else ""
        way = "_files" if argument.files else way or " "
        takes = f":{_zsh_text(argument.value)}:{way}"
    if not argument.flags:
        return _quoted(("" if argument.needed else ":") + (takes or ": : "))
    several = len(argument.flags) > 1
    first = "(" + " ".join(argument.flags) + ")" if several and not argument.repeats else ""
    star = "*" if argument.repeats else ""
    return " ".join(
        _quoted(f"{first}{star}{flag}[{_zsh_text(argument.help)}]{takes}")
        for flag in argument.flags
    )


def _zsh_text(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def _joined(words: Iterable[str]) -> str:
    return "".join(f"\\\n        {word} " for word in words).rstrip()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
