"""The command line as a user sees it: verbs, exit codes, messages, and how fast it answers."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
import yaml

import appliance
from appliance import service
from appliance.cli import main as cli
from appliance.cli import verbs
from appliance.config.settings import Settings
from appliance.errors import ConfigError, MissingDependency, OutputError


def mattebox(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program itself, with no configuration but what the test makes."""
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(cwd),
            "LANG": "C.UTF-8",
            # The code beside these tests, also where another copy is installed.
            "PYTHONPATH": str(Path(appliance.__file__).parents[1]),
            **environment,
        },
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A manifest with a file beside it: all that a static check reads."""
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"\x08\x08")
    manifest = {
        "name": "net",
        "input": {"name": "in", "width": 64, "height": 64},
        "output": {"name": "out"},
    }
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    return folder / "manifest.yaml"


class TestHelp:
    def test_names_every_verb_the_exit_codes_and_the_address(self, tmp_path):
        done = mattebox("--help", cwd=tmp_path)
        assert done.returncode == 0
        for word in (*verbs.VERBS, "exit codes", "examples", "rtsp://127.0.0.1:8554/live"):
            assert word in done.stdout

    @pytest.mark.parametrize("verb", verbs.VERBS)
    def test_of_each_verb(self, verb, capsys):
        with pytest.raises(SystemExit) as caught:
            cli.main([verb, "--help"])
        assert caught.value.code == 0
        assert f"mattebox {verb}" in capsys.readouterr().out

    def test_version(self, tmp_path):
        done = mattebox("--version", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, f"mattebox {appliance.__version__}\n")

    @pytest.mark.parametrize("heavy", ["numpy", "pydantic", "gi", "numba", "cv2"])
    def test_does_not_wait_for_what_it_does_not_need(self, heavy):
        code = (
            "from appliance.cli import main; import sys; "
            f"main.parser(); sys.exit({heavy!r} in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
        assert done.returncode == 0

    @pytest.mark.parametrize("heavy", ["numpy", "gi", "numba", "cv2", "onnxruntime"])
    def test_check_neither(self, heavy):
        code = (
            "from appliance.cli import main; import sys; main.main(['check', '--schema']); "
            f"import appliance.tools.check; sys.exit({heavy!r} in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], timeout=30, check=False, stdout=subprocess.DEVNULL
        )
        assert done.returncode == 0


WRONG_FLAGS = [
    ([], "the following arguments are required: VERB"),
    (["walk"], "invalid choice: 'walk'"),
    (["run", "--walk"], "unrecognized arguments: --walk"),
    (["run", "--duration", "soon"], "found soon, expected a number from 0"),
    (["run", "--duration", "nan"], "found nan, expected a number from 0"),
    (["run", "--duration", "-1"], "found -1, expected a number from 0"),
    (["run", "--frames", "0"], "found 0, expected a whole number from 1"),
    (["run", "--frames", "1.5"], "found 1.5, expected a whole number from 1"),
    (["run", "--set", "roi"], "found roi, expected KEY=VALUE"),
    (["bench", "--size", "big"], "found big, expected WIDTHxHEIGHT"),
    (["bench", "--size", "641x361"], "found 641x361, expected WIDTHxHEIGHT, both even"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG_FLAGS)
def test_a_wrong_flag_is_the_users_mistake(arguments, words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


class TestCheck:
    def test_ok(self, tmp_path, model):
        done = mattebox("check", "--model", str(model), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "OK: defaults (no config.yaml found)"
        assert "rtsp://127.0.0.1:8554/live" in done.stdout
        assert done.stderr == ""

    def test_names_the_file_it_used(self, tmp_path, model):
        (tmp_path / "config.yaml").write_text(f"matting: {{model: {model}}}\n")
        done = mattebox("check", cwd=tmp_path)
        assert done.stdout.splitlines()[0] == "OK: config.yaml"

    def test_print_is_a_configuration(self, tmp_path, model):
        done = mattebox("check", "--print", "--model", str(model), cwd=tmp_path)
        assert yaml.safe_load(done.stdout)["matting"]["model"] == str(model)

    def test_schema_is_json(self, tmp_path):
        done = mattebox("check", "--schema", cwd=tmp_path)
        assert json.loads(done.stdout)["properties"].keys() == Settings.model_fields.keys()

    def test_one_mistake(self, tmp_path):
        (tmp_path / "config.yaml").write_text("steady:\n  strength: 1.5\n")
        done = mattebox("check", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr == (
            "mattebox: config.yaml:2:13: steady.strength: found 1.5; expected a number from 0 up "
            "to, not including, 1 (weight of the last matte where nothing moves)\n"
        )

    def test_every_mistake(self, tmp_path):
        (tmp_path / "config.yaml").write_text("steady:\n  strength: 1.5\nroi: {x: 1}\n")
        done = mattebox("check", cwd=tmp_path, MATTEBOX_LOG__LEVEL="loud")
        lines = done.stderr.splitlines()
        assert done.returncode == 2
        assert lines[0] == "mattebox: 3 mistakes:"
        assert [line.split(": ")[0] for line in lines[1:]] == [
            "  config.yaml:2:13",
            "  config.yaml:3:7",
            "  MATTEBOX_LOG__LEVEL",
        ]

    def test_files_that_are_not_there(self, tmp_path):
        (tmp_path / "config.yaml").write_text("background:\n  uri: no.jpg\n")
        done = mattebox(
            "check", "--source", "no.mp4", "--output", "no/out.mp4", "--model", "no.yaml",
            cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.splitlines() == [
            "mattebox: 4 mistakes:",
            f"  config.yaml:2:8: background.uri: {tmp_path}/no.jpg: cannot be read (No such file "
            "or directory); name a file that is there",
            f"  --source: source.uri: {tmp_path}/no.mp4: cannot be read (No such file or "
            "directory); name a file that is there",
            f"  --output: outputs.0.uri: {tmp_path}/no/out.mp4: the folder {tmp_path}/no is not "
            "there; make it, or name another",
            f"  --model: matting.model: the manifest {tmp_path}/no.yaml: cannot be read (No such "
            "file or directory); give the manifest.yaml of a network",
        ]

    def test_a_reader_that_has_gone(self, tmp_path):
        command = f"{sys.executable} -m appliance.cli check --schema | head -n 1"
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False,
            cwd=tmp_path,
        )  # fmt: skip
        assert (done.stdout, done.stderr) == ("{\n", "")


class TestRun:
    """What reaches the daemon, and what happens to the errors that it raises."""

    @pytest.fixture
    def daemon(self, monkeypatch, model, tmp_path):
        monkeypatch.chdir(tmp_path)
        calls = []

        def run(loaded, *, duration, frames, again):
            assert again().settings == loaded.settings
            if fake.then is not None:
                fake.then(again)
            calls.append((loaded.settings, duration, frames))
            if fake.raises is not None:
                raise fake.raises
            return 0

        fake = types.ModuleType("appliance.service.run")
        fake.run, fake.raises, fake.calls, fake.model = run, None, calls, str(model)
        fake.then = None
        monkeypatch.setitem(sys.modules, "appliance.service.run", fake)
        monkeypatch.setattr(service, "run", fake, raising=False)
        return fake

    def test_flags_arrive(self, daemon, tmp_path):
        (tmp_path / "office.jpg").write_bytes(b"x")
        code = cli.main(
            ["run", "--model", daemon.model, "--source", "test://smpte", "--background",
             "office.jpg", "--output", "null://", "--output", "display://", "--duration", "1.5",
             "--frames", "7", "--set", "outputs.1.keyframe_s=1", "--set", "roi.enabled=off"]
        )  # fmt: skip
        assert code == 0
        [(settings, duration, frames)] = daemon.calls
        assert (duration, frames) == (1.5, 7)
        assert settings.source.uri == "test://smpte"
        assert settings.background.uri == str(tmp_path / "office.jpg")
        assert [output.uri for output in settings.outputs] == ["null://", "display://"]
        assert settings.outputs[1].keyframe_s == 1.0
        assert settings.roi.enabled is False

    def test_a_file_that_is_gone_is_not_replaced_by_another(self, daemon, tmp_path):
        """Least of all by the defaults, when ./config.yaml was deleted."""
        path = tmp_path / "config.yaml"
        path.write_text(f"matting: {{model: {daemon.model}}}\nroi: {{margin: 0.3}}\n")

        def delete(again):
            path.unlink()
            with pytest.raises(ConfigError, match=r"config\.yaml: cannot be read"):
                again()

        daemon.then = delete
        assert cli.main(["run"]) == 0

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (OutputError("the disk is full; make room"), 1),
            (MissingDependency("no GStreamer; install it"), 1),
            (ConfigError("that will not do; do this"), 2),
            (KeyboardInterrupt(), 1),
        ],
    )
    def test_errors_are_one_line_and_an_exit_code(self, daemon, capsys, error, code):
        daemon.raises = error
        assert cli.main(["run", "--model", daemon.model]) == code
        last = capsys.readouterr().err.splitlines()[-1]
        assert last == f"mattebox: {str(error) or 'interrupted'}"

    def test_verbose_shows_the_traceback_and_logs_more(self, daemon, capsys):
        daemon.raises = OutputError("the disk is full")
        assert cli.main(["run", "-v", "--model", daemon.model]) == 1
        err = capsys.readouterr().err
        assert "Traceback" in err
        assert err.splitlines()[-1] == "mattebox: the disk is full"
        [(settings, _, _)] = daemon.calls
        assert settings.log.level == "debug"

    def test_a_mistake_in_our_own_code_is_not_dressed_up(self, daemon):
        daemon.raises = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            cli.main(["run", "--model", daemon.model])

    def test_what_cannot_work_does_not_start(self, daemon, capsys):
        assert cli.main(["run", "--model", daemon.model, "--source", "no.mp4"]) == 2
        assert daemon.calls == []
        assert "--source: source.uri:" in capsys.readouterr().err
