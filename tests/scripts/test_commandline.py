"""The man page and the completions say what the parser says, as their readers see it."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.cli.main import parser
from scripts.commandline.__main__ import main
from scripts.commandline.commands import commands

TREE = commands(parser())


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """usr/share of a root with the files."""
    root = tmp_path_factory.mktemp("root")
    main(root)
    return root / "usr/share"


def run(*command: str, text: str = "") -> str:
    """The output of a program that must succeed and say nothing else."""
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def test_the_parser_is_read_whole() -> None:
    paths = {each.path for each in TREE.all()}
    assert {(), ("run",), ("engine",), ("engine", "build"), ("model", "add")} <= paths
    build = next(each for each in TREE.all() if each.path == ("engine", "build"))
    by_flag = {flag: option for option in build.options for flag in option.flags}
    assert by_flag["--precision"].choices == ("fp16", "fp32", "int8")
    assert by_flag["--for"].repeats
    assert by_flag["--frames"].files
    assert [(each.value, each.needed) for each in build.positionals] == [("NETWORK", False)]


@needs("groff")
def test_the_man_page_has_every_command_and_option(share: Path) -> None:
    source = gzip.decompress((share / "man/man1/mattebox.1.gz").read_bytes()).decode()
    # -ww: whatever roff finds strange is said, and fails the test.
    shown = run("groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou", text=source)
    words = " ".join(shown.split())
    for each in TREE.all():
        assert " ".join(("mattebox", *each.path)) in words
        for argument in each.arguments:
            for flag in argument.flags:
                assert f"{flag}" in words
    assert "exit codes".upper() in words
    assert "--output URI" in words
    # The options that several verbs have stand there once.
    assert words.count("--background URI") == 1


def completed(share: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    script = share / "bash-completion/completions/mattebox"
    line = " ".join(f"'{word}'" for word in ("mattebox", *words))
    # compopt works only while completing.
    asked = f"compopt() {{ :; }}; . {script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; "
    return run("bash", "-c", asked + '_mattebox; printf "%s\\n" "${COMPREPLY[@]}"').split()


def test_bash_completes_verbs_options_and_values(share: Path, tmp_path: Path) -> None:
    assert completed(share, "re") == ["reload"]
    assert completed(share, "engine", "")[:4] == ["build", "list", "verify", "show"]
    assert completed(share, "engine", "build", "--pre") == ["--precision"]
    assert completed(share, "engine", "build", "--precision", "fp") == ["fp16", "fp32"]
    assert completed(share, "run", "--duration", "") == []
    assert completed(share, "run", "--model", "run", "--dur") == ["--duration"]
    (tmp_path / "clip.mp4").touch()
    assert completed(share, "run", "--source", f"{tmp_path}/c") == [f"{tmp_path}/clip.mp4"]


@needs("fish")
def test_fish_completes_verbs_options_and_values(share: Path) -> None:
    script = share / "fish/vendor_completions.d/mattebox.fish"

    def offered(line: str) -> list[str]:
        said = run("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'")
        return [each.split("\t")[0] for each in said.splitlines()]

    assert offered("mattebox re") == ["reload"]
    assert sorted(offered("mattebox engine ")) == ["build", "list", "show", "verify"]
    assert offered("mattebox engine build --pre") == ["--precision"]
    assert offered("mattebox engine build --precision fp") == ["fp16", "fp32"]
    assert "--source" in offered("mattebox run --")
    assert "--source" not in offered("mattebox devices --")


@needs("zsh")
def test_zsh_reads_its_completion(share: Path) -> None:
    script = share / "zsh/vendor-completions/_mattebox"
    run("zsh", "--no-rcs", "-n", str(script))
    # Each verb's function hands _arguments what it can read: here that only counts the options.
    stubs = "_arguments() { print -l -- $* }; _describe() { }; _files() { }; "
    said = run("zsh", "--no-rcs", "-c", stubs + f"source {script}; _mattebox_engine_build")
    assert "--precision[(fp16)]:{fp16|fp32|int8}:(fp16 fp32 int8)" in said
    assert "*--for[" in said
