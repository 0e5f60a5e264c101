"""Doctor: what it says about machines with everything, with nothing, with something broken."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from appliance.cli import main as cli
from appliance.config.settings import OutputSettings, Settings
from appliance.errors import MissingDependency
from appliance.system import devices, jetson_utils, v4l2
from appliance.tools.doctor import machine, media, voices
from appliance.tools.doctor import report as doctor
from appliance.tools.doctor.report import Finding

DEFAULTS = Settings()


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


def screen(report: doctor.DoctorReport, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(doctor.as_table(report))
    return console.file.getvalue()


class TestReport:
    def test_a_gap_does_not_stop_the_main_job_and_bad_does(self):
        gap, bad = Finding("gap", "a", "x"), Finding("bad", "b", "y")
        assert doctor.examine(DEFAULTS, [("g", lambda _: [gap])]).can_run
        assert not doctor.examine(DEFAULTS, [("g", lambda _: [gap, bad])]).can_run

    def test_a_probe_that_breaks_leaves_the_others(self):
        def broken(_):
            raise ZeroDivisionError

        report = doctor.examine(
            DEFAULTS, [("one", broken), ("two", lambda _: [Finding("ok", "x", "fine")])]
        )
        assert [finding.state for finding in report.findings] == ["bad", "ok"]
        assert "ZeroDivisionError" in report.findings[0].detail

    def test_one_line_installs_all_that_is_missing(self):
        findings = [
            Finding("gap", "a", "", packages=("p", "q")),
            Finding("bad", "b", "", packages=("q", "r")),
        ]
        report = doctor.examine(DEFAULTS, [("g", lambda _: findings)])
        lines = doctor.closing(report)
        assert any(line.endswith("apt install p q r") for line in lines)
        assert lines[-1] == "Mattebox cannot run here yet: b."

    def test_it_is_one_screen(self):
        report = doctor.examine(DEFAULTS)
        assert len(screen(report, width=100).splitlines()) <= 40

    def test_nothing_is_lost_in_a_narrow_terminal(self):
        words = "first second third fourth fifth sixth seventh"
        report = doctor.DoctorReport((("Group", (Finding("ok", "what", words),)),))
        narrow = screen(report, width=40).split()
        assert all(word in narrow for word in words.split())


class TestThisMachine:
    def test_finds_what_the_tests_need(self):
        findings = by_name(doctor.examine(DEFAULTS).findings)
        for name in ("ONNX Runtime", "frame path", "RTSP out", "RTSP server", "H.264"):
            assert findings[name].state == "ok", findings[name]

    def test_json(self, capsys, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        code = cli.main(["doctor", "--json"])
        report = json.loads(capsys.readouterr().out)
        assert code == (0 if report["can_run"] else 1)
        assert {"machine", "gpu", "gstreamer", "encoders", "devices"} <= report["groups"].keys()

    def test_a_wrong_configuration_is_a_finding_among_the_others(
        self, capsys, monkeypatch, tmp_path
    ):
        monkeypatch.chdir(tmp_path)
        Path("config.yaml").write_text("roi: {margin: 9}\n")
        assert cli.main(["doctor", "--json"]) == 1
        report = json.loads(capsys.readouterr().out)
        [wrong] = report["groups"]["configuration"]
        assert wrong["detail"].startswith("config.yaml:1:15: roi.margin: found 9")
        assert report["groups"]["machine"]


class TestGStreamer:
    ALL = staticmethod(lambda: ("1.24.2", lambda name: True))

    def test_all_there(self):
        found = media.gstreamer(DEFAULTS, self.ALL, lambda name: True)
        assert {finding.state for finding in found} == {"ok"}

    def test_no_bindings(self):
        def none():
            raise MissingDependency("no bindings here; install python3-gi")

        [finding] = media.gstreamer(DEFAULTS, none)
        assert (finding.state, finding.detail) == ("bad", "no bindings here; install python3-gi")
        assert "python3-gi" in finding.packages

    @pytest.mark.parametrize(
        ("element", "use", "state", "package"),
        [
            ("appsrc", "frame path", "bad", "gstreamer1.0-plugins-base"),
            ("h264parse", "RTSP out", "bad", "gstreamer1.0-plugins-bad"),
            ("avdec_h264", "files", "gap", "gstreamer1.0-libav"),
            ("v4l2src", "cameras", "gap", "gstreamer1.0-plugins-good"),
            ("ximagesink", "display", "gap", "gstreamer1.0-x"),
        ],
    )
    def test_a_missing_element_names_its_package(self, element, use, state, package):
        def look():
            return "1.22.0", lambda name: name != element

        finding = by_name(media.gstreamer(DEFAULTS, look, lambda name: True))[use]
        assert finding.state == state
        assert finding.detail == f"without {element}"
        assert finding.cure == f"apt install {package}"

    def test_what_only_a_jetson_has_is_no_gap(self):
        def look():
            return "1.22.0", lambda name: not name.startswith("nv")

        finding = by_name(media.gstreamer(DEFAULTS, look, lambda name: True))["CSI camera"]
        assert finding.state == "none"

    def test_the_rtsp_server_is_needed_only_for_rtsp(self):
        def state(settings):
            found = media.gstreamer(settings, self.ALL, lambda name: False)
            return by_name(found)["RTSP server"].state

        assert state(DEFAULTS) == "bad"
        assert state(Settings(outputs=(OutputSettings(uri="display://"),))) == "gap"

    def test_an_encoder_that_is_not_here(self):
        settings = Settings(outputs=(OutputSettings(uri="null://", encoder="nvv4l2h264enc"),))
        found = by_name(media.encoders(settings))
        if "nvv4l2h264enc" not in found["H.264"].detail:
            assert found["outputs.0.encoder"].state == "bad"


class TestMachine:
    def test_reads_what_the_system_says(self, tmp_path):
        for name, text in {
            "etc/os-release": 'NAME="X"\nPRETTY_NAME="Boxer 3"\n',
            "proc/cpuinfo": "processor\t: 0\nmodel name\t: Fast One\n",
            "proc/meminfo": "MemTotal:       8388608 kB\n",
        }.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        found = by_name(machine.machine(DEFAULTS, tmp_path))
        assert found["system"].detail.startswith("Boxer 3, Python 3.")
        assert found["processor"].detail.startswith("Fast One, ")
        assert found["processor"].detail.endswith("8.0 GiB")

    def test_a_system_that_says_nothing(self, tmp_path):
        assert machine.machine(DEFAULTS, tmp_path)[0].state == "ok"

    def test_no_gpu_is_no_gap(self, tmp_path, monkeypatch):
        monkeypatch.setattr(machine, "command", lambda arguments: None)
        monkeypatch.setattr(machine.shutil, "which", lambda name: None)
        [finding] = machine.gpu(DEFAULTS, tmp_path)
        assert finding.state == "none"

    def test_a_driver_that_does_not_answer(self, tmp_path, monkeypatch):
        (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
        monkeypatch.setattr(machine, "command", lambda arguments: None)
        [finding] = machine.gpu(DEFAULTS, tmp_path)
        assert finding.state == "gap"

    def test_a_card(self, tmp_path, monkeypatch):
        line = "NVIDIA RTX 4000, 550.54, 20475 MiB, 8.9\n"
        monkeypatch.setattr(machine, "command", lambda arguments: line)
        found = by_name(machine.gpu(DEFAULTS, tmp_path))
        assert found["NVIDIA"].detail == (
            "NVIDIA RTX 4000, 20475 MiB, driver 550.54, compute capability 8.9"
        )

    def test_a_jetson(self, tmp_path):
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.0\n")
        (tmp_path / "proc/device-tree").mkdir(parents=True)
        (tmp_path / "proc/device-tree/model").write_text("NVIDIA Jetson Orin Nano\0")
        found = by_name(machine.gpu(DEFAULTS, tmp_path))
        assert found["Jetson"].detail == "NVIDIA Jetson Orin Nano: R36 (release), REVISION: 4.0"
        assert found["jetson-utils"].state == "none"

    @pytest.mark.parametrize(
        ("there", "capture", "state", "words"),
        [
            (True, "auto", "ok", "takes the cameras' pictures; not tried on hardware"),
            (True, "gstreamer", "ok", "not used"),
            (False, "auto", "none", "GStreamer takes"),
            (False, "jetson-utils", "bad", "absent"),
        ],
    )
    def test_who_takes_a_jetsons_pictures(
        self, tmp_path, monkeypatch, there, capture, state, words
    ):
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/nv_tegra_release").write_text("# R36\n")
        monkeypatch.setattr(jetson_utils, "installed", lambda: there)
        settings = Settings.model_validate({"source": {"capture": capture}})
        finding = by_name(machine.gpu(settings, tmp_path))["jetson-utils"]
        assert finding.state == state
        assert words in finding.detail

    def test_a_command_that_hangs_is_given_up(self):
        assert machine.command(["tail", "-f", "/dev/null"], timeout=0.2) is None
        assert machine.command(["no-such-program-at-all"]) is None
        assert machine.command(["false"]) is None
        assert machine.command(["echo", "hello"]) == "hello\n"


class TestPorts:
    def test_free_and_taken(self, free_port):
        settings = Settings(outputs=(OutputSettings(uri=f"rtsp://127.0.0.1:{free_port}/live"),))
        [finding] = machine.ports(settings)
        assert finding.state == "ok"
        with socket.create_server(("127.0.0.1", free_port)):
            [finding] = machine.ports(settings)
        assert finding.state == "gap"
        assert "in use" in finding.detail
        assert "already" in finding.cure

    def test_an_address_that_is_not_ours(self):
        settings = Settings.model_validate(
            {"outputs": [{"uri": "rtsp://192.0.2.1:8554/live"}], "rtsp": {"insecure": True}}
        )
        [finding] = machine.ports(settings)
        assert finding.state == "gap"

    def test_other_outputs_need_none(self):
        assert machine.ports(Settings(outputs=(OutputSettings(uri="null://"),))) == []


class TestNetworks:
    def test_the_configured_one_must_be_there(self, tmp_path):
        [finding] = machine.networks(DEFAULTS, [tmp_path])
        assert finding.state == "bad"
        assert "portrait" in finding.detail

    def test_a_broken_one_beside_it_is_a_gap(self, tmp_path):
        for name in ("portrait", "broken"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "model.onnx").write_bytes(b"x" * 1_500_000)
        manifest = {
            "name": "portrait",
            "input": {"name": "in", "width": 256, "height": 144},
            "output": {"name": "out"},
        }
        (tmp_path / "portrait/manifest.yaml").write_text(yaml.safe_dump(manifest))
        (tmp_path / "broken/manifest.yaml").write_text("- no\n")
        found = by_name(machine.networks(DEFAULTS, [tmp_path]))
        assert found["portrait"] == Finding("ok", "portrait", "portrait: 256x144, 1.5 MB")
        assert found["broken"].state == "gap"


class TestPluggedIn:
    def test_nothing(self):
        found = by_name(
            machine.plugged_in(DEFAULTS, devices.Devices((), (), (), ()))
        )  # fmt: skip
        assert found["camera"].state == "none"
        assert "demo://" in found["camera"].detail

    def test_all(self, tmp_path):
        camera = v4l2.Device(Path("/dev/video0"), "Cam", "uvcvideo", "usb", True, False)
        locked = tmp_path / "video7"
        locked.touch()
        plugged = devices.Devices(
            (camera,),
            (),
            (devices.Display("HDMI-A-1", True, "1920x1080"),),
            ((locked, "Permission denied"),),
        )
        found = by_name(machine.plugged_in(DEFAULTS, plugged))
        assert found["camera"].detail == "v4l2:///dev/video0: Cam"
        assert found["display"].detail == "HDMI-A-1, 1920x1080"
        assert "usermod -aG" in found[str(locked)].cure


class TestVoices:
    def test_what_is_missing_is_one_line_with_its_commands(self, monkeypatch):
        missing = [
            ("hibari-tts", "English", "pip install x"),
            ("pocketsphinx", "words", "pip install x"),
        ]
        monkeypatch.setattr(voices, "missing_voices", lambda: missing)
        there, absent = voices.voices(DEFAULTS)
        assert (there.state, there.detail.split()[0]) == ("ok", "espeak-ng")
        assert (absent.state, absent.cure) == ("none", "pip install x")
        assert absent.detail == "absent: hibari-tts (English), pocketsphinx (words)"
        missing.append(("espeak-ng", "others", "apt-get install y"))
        [absent] = voices.voices(DEFAULTS)
        assert absent.cure == "pip install x; apt-get install y"
