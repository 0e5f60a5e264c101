"""Doctor's look at the machine itself: processor, memory, GPU, devices, networks, ports."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from appliance.config.settings import Settings
from appliance.config.uris import output_scheme, port_of
from appliance.errors import ModelError, PlanError
from appliance.networks.beside import upright_of
from appliance.networks.folders import model_folders
from appliance.networks.manifest import find_manifest, load_manifest
from appliance.stages.select import wanted as select
from appliance.system import devices as plugged
from appliance.system import jetson_utils

State = Literal["ok", "gap", "none", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    ``state``: ok; gap (could be better); none (absent, and not needed); bad (the main job cannot
    run). ``cure`` says what to do, ``packages`` what to install with apt for that.
    """

    state: State
    what: str
    detail: str
    cure: str = ""
    packages: tuple[str, ...] = ()


def command(arguments: Sequence[str], timeout: float = 5.0) -> str | None:
    """The output of a command, or None if it is not installed, fails or takes too long."""
    program = shutil.which(arguments[0])
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *arguments[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def text_of(path: Path) -> str:
    """The text of a small system file, or "" if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").replace("\0", "")
    except OSError:
        return ""


def version_of(distribution: str) -> str | None:
    """The version of an installed Python package, without importing it."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def has_module(name: str) -> bool:
    """Whether Python would find a module; a broken package counts as absent."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _named(text: str, key: str, separator: str) -> str:
    for line in text.splitlines():
        name, found, value = line.partition(separator)
        if found and name.strip() == key:
            return value.strip().strip('"')
    return ""


def machine(settings: Settings, root: Path = Path("/")) -> list[Finding]:
    """Operating system, processor, memory, Python, ONNX Runtime."""
    system = _named(text_of(root / "etc/os-release"), "PRETTY_NAME", "=") or platform.system()
    processor = _named(text_of(root / "proc/cpuinfo"), "model name", ":") or platform.machine()
    kilobytes = _named(text_of(root / "proc/meminfo"), "MemTotal", ":").split(" ")[0]
    memory = f", {int(kilobytes) / 2**20:.1f} GiB" if kilobytes.isdigit() else ""
    cores = len(os.sched_getaffinity(0))
    found = [
        Finding("ok", "system", f"{system}, Python {platform.python_version()}"),
        Finding("ok", "processor", f"{processor}, {cores} core{'s' * (cores != 1)}{memory}"),
    ]
    runtime = version_of("onnxruntime") or version_of("onnxruntime-gpu")
    if runtime:
        found.append(Finding("ok", "ONNX Runtime", runtime))
    else:
        found.append(Finding("bad", "ONNX Runtime", "not installed", "make setup installs it"))
    return found


def gpu(settings: Settings, root: Path = Path("/")) -> list[Finding]:
    """NVIDIA card or Jetson, driver, CUDA, TensorRT. None of it is needed."""
    jetson = text_of(root / "etc/nv_tegra_release").splitlines()
    if jetson:
        model = text_of(root / "proc/device-tree/model").strip()
        found = [Finding("ok", "Jetson", f"{model or 'Tegra'}: {jetson[0].lstrip('# ')}")]
    else:
        query = "--query-gpu=name,driver_version,memory.total,compute_cap"
        listed = command(["nvidia-smi", query, "--format=csv,noheader"])
        if not listed:
            if (root / "proc/driver/nvidia").exists() or shutil.which("nvidia-smi"):
                cure = "nvidia-smi says why; reinstall the driver that matches the kernel"
                return [Finding("gap", "NVIDIA", "the driver does not answer", cure)]
            return [Finding("none", "NVIDIA", "no GPU: the network runs on the processor")]
        found = []
        for line in listed.strip().splitlines():
            name, driver, memory, capability = [*(f.strip() for f in line.split(",")), *"????"][:4]
            detail = f"{name}, {memory}, driver {driver}, compute capability {capability}"
            found.append(Finding("ok", "NVIDIA", detail))
    if jetson or jetson_utils.installed():
        found.append(_capture(settings))
    tensorrt = version_of("tensorrt") or ("found" if has_module("tensorrt") else None)
    found.append(Finding("ok" if tensorrt else "none", "TensorRT", tensorrt or "absent"))
    found.append(_engine(settings))
    return found


def _capture(settings: Settings) -> Finding:
    """What captures from a Jetson's cameras."""
    capture = settings.source.capture
    if not jetson_utils.installed():
        detail = "absent: GStreamer takes the cameras' pictures"
        return Finding("bad" if capture == "jetson-utils" else "none", "jetson-utils", detail)
    if capture == "gstreamer":
        return Finding("ok", "jetson-utils", "found, not used: source.capture is gstreamer")
    cure = "source.capture: gstreamer turns it off"
    return Finding(
        "ok", "jetson-utils", f"found, takes the cameras' pictures; {jetson_utils.UNTRIED}", cure
    )


def _engine(settings: Settings) -> Finding:
    """Whether the configured network has an engine that this machine can run."""
    from appliance.networks.plans.here import this_runner
    from appliance.networks.plans.verify import find_plan

    try:
        path = find_manifest(settings.matting.model, model_folders())
        plan = find_plan(*load_manifest(path), this_runner())
    except PlanError as error:
        return Finding("gap", "engine", f"{error}; until then the network runs on the processor")
    except ModelError:
        return Finding("none", "engine", "see the network below")
    s = plan.sidecar
    words = f"{s.model}: {s.precision}, {s.flavour} {s.version}, {s.target}"
    try:
        upright = upright_of(path)
        if upright is not None:
            find_plan(*load_manifest(upright), this_runner())
            words += "; for upright people, too"
    except ModelError as error:
        without = "until then its usual input serves upright people, too"
        return Finding("gap", "engine", f"{words}; {error}; {without}")
    return Finding("ok", "engine", words)


def plugged_in(settings: Settings, found: plugged.Devices | None = None) -> list[Finding]:
    """Cameras, loopback devices and displays, and whether this user may use them."""
    found = found or plugged.find()
    out = [
        Finding("ok", "camera", f"v4l2://{camera.path}: {camera.card}") for camera in found.cameras
    ]
    if not out:
        out.append(Finding("none", "camera", "none: the source auto is demo://"))
    out += [Finding("ok", "loopback", f"v4l2://{d.path}: {d.card}") for d in found.loopbacks]
    connected = [display for display in found.displays if display.connected]
    for display in connected:
        out.append(Finding("ok", "display", f"{display.connector}, {display.mode or 'no mode'}"))
    if not connected:
        out.append(Finding("none", "display", "none connected"))
    for path, reason in found.unusable:
        out.append(Finding("gap", str(path), reason, _group_cure(path, "video")))
    for path in sorted(Path("/dev/dri").glob("*D*")) if Path("/dev/dri").is_dir() else []:
        if not os.access(path, os.R_OK | os.W_OK):
            out.append(Finding("gap", str(path), "no permission", _group_cure(path, "render")))
    return out


def _group_cure(path: Path, usual: str) -> str:
    try:
        group = path.group()
    except (OSError, KeyError):
        group = usual
    return f"sudo usermod -aG {group} $USER, then log in again"


def networks(settings: Settings, folders: Sequence[Path] | None = None) -> list[Finding]:
    """The networks in engines/, and the one that is configured."""
    places = tuple(folders) if folders is not None else model_folders()
    out = []
    for path in sorted(path for folder in places for path in folder.glob("*/manifest.yaml")):
        try:
            manifest, model = load_manifest(path, task=None)
        except ModelError as error:
            out.append(Finding("gap", path.parent.name, str(error)))
            continue
        size = f"{manifest.input.width}x{manifest.input.height}"
        detail = f"{manifest.title or manifest.name}: {size}, {model.stat().st_size / 1e6:.1f} MB"
        out.append(Finding("ok", manifest.name, detail))
    try:
        load_manifest(find_manifest(settings.matting.model, places))
    except ModelError as error:
        out.append(Finding("bad", settings.matting.model, str(error)))
    for key, problem in select.mistakes(settings.stages.select):
        out.append(Finding("bad", key, problem))
    return out


def ports(settings: Settings) -> list[Finding]:
    """Whether the ports of outputs that serve are free."""
    out = []
    for output in settings.outputs:
        scheme = output_scheme(output.uri)
        if scheme is None or not scheme.ports:
            continue
        port, host = port_of(output.uri), urlsplit(output.uri).hostname or ""
        reason = _in_use(host, port)
        if reason is None:
            out.append(Finding("ok", f"port {port}", f"free on {host}"))
        else:
            cure = "is Mattebox running already? Else name another port in outputs"
            out.append(Finding("gap", f"port {port}", f"{reason} on {host}", cure))
    return out


def _in_use(host: str, port: int) -> str | None:
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], socket.SOCK_STREAM) as probe:
            # As the server does: a port whose last connections are still closing counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None
