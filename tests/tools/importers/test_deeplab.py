"""DeepLab by its published file: taken over, made for wide pictures, fetched, refused."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from appliance.cli import main as cli
from appliance.errors import FetchError, InputError, ModelError
from appliance.networks.classes import ClassNetwork
from appliance.networks.folders import model_folders
from appliance.networks.manifest import Manifest, find_manifest, load_manifest
from appliance.tools.engine.build import static_graph
from appliance.tools.engine.builder import Request
from appliance.tools.engine.child import run_builder
from appliance.tools.importers import deeplab, published
from appliance.tools.importers.add import ImportOptions, add_model
from appliance.tools.importers.base import Release
from appliance.tools.importers.download import download
from appliance.tools.importers.tflite.convert import convert

pytestmark = pytest.mark.usefixtures("data_here")

pytest.importorskip("onnxslim", reason="onnxslim is not installed (make test installs it)")


def added(name: str) -> tuple[Manifest, Path]:
    return load_manifest(find_manifest(name, model_folders()), task="classes")


@pytest.mark.shared
def test_from_the_users_file(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shared / "models" / deeplab.SMALL.file
    assert cli.main(["model", "add", "deeplab-small", "--from", str(file)]) == 0
    said = capsys.readouterr().err
    assert "licence: Apache-2.0" in said
    assert "known release" in said
    assert "stages: {select:" in said
    manifest, model = added("deeplab-small")
    assert (manifest.input.width, manifest.input.height) == (289, 161)
    assert manifest.classes == deeplab.VOC
    assert "SHA-256 0470d2a782aa" in str(manifest.training["source"])
    static_graph(manifest, model)


@pytest.mark.shared
def test_as_the_published_one(shared: Path) -> None:
    """At the published size the scores, enlarged as there, are those of the whole graph."""
    file = shared / "models" / deeplab.SMALL.file
    whole = convert(file)
    add_model(ImportOptions("small", file, size="513x513"))
    manifest, model = added("small")
    network = ClassNetwork(manifest, model)
    still = cv2.resize(cv2.imread(str(shared / "media/stills/astronaut.png")), (513, 513))
    picture = (cv2.cvtColor(still, cv2.COLOR_BGR2RGB).astype(np.float32) - 128) / 128
    network.input[:] = picture.transpose(2, 0, 1)
    network.infer()
    session = ort.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {manifest.input.name: network.input[None]})
    assert scores.shape == (1, 21, 513, 513)
    person = deeplab.VOC.index("person")
    seen = scores[0].argmax(0) == person
    assert 0.2 < seen.mean() < 0.7
    lead = cv2.resize(network.lead([person]), (513, 513)) > 0
    assert (lead == seen).mean() > 0.97


@pytest.mark.shared
def test_a_plan_can_be_built_of_it(shared: Path, builder: str, tmp_path: Path) -> None:
    """It runs on the CPU; whoever runs it on a GPU finds that TensorRT takes all its operators."""
    add_model(ImportOptions("small", shared / "models" / deeplab.SMALL.file))
    onnx.save(static_graph(*added("small")), tmp_path / "model.onnx")
    request = Request(
        str(tmp_path / "model.onnx"), str(tmp_path / "plan"), str(tmp_path / "cache"), builder,
        "sm86", 256,
    )  # fmt: skip
    made = run_builder(
        request, tmp_path, memory_mb=4096, timeout=300, progress=lambda *_: None, say=print
    )
    assert made["outputs"][0]["shape"] == [1, 21, 11, 19]
    assert (tmp_path / "plan").stat().st_size > 100_000


@pytest.mark.shared
def test_sizes_that_it_cannot_have(shared: Path) -> None:
    file = shared / "models" / deeplab.SMALL.file
    with pytest.raises(ModelError, match=r"288x160: expected sides of 16 n \+ 1, as 289x161"):
        add_model(ImportOptions("small", file, size="288x160"))


class Answers(http.server.BaseHTTPRequestHandler):
    """Gives what ``body`` has, whatever is asked for."""

    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    """A server on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/file"
    server.shutdown()
    server.server_close()
    thread.join(10)


def release(data: bytes) -> Release:
    return Release("a file", "file.tflite", hashlib.sha256(data).hexdigest(), len(data), "a test")


def test_fetched_and_checked(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 300
    monkeypatch.setattr(Answers, "body", data)
    assert download(address, release(data), tmp_path).read_bytes() == data
    monkeypatch.setattr(Answers, "body", data[:-1])
    with pytest.raises(FetchError, match=r"76,799 bytes.*expected 76,800.*--from FILE"):
        download(address, release(data), tmp_path)
    monkeypatch.setattr(Answers, "body", data * 50)
    with pytest.raises(FetchError, match="more than 76,800 bytes"):
        download(address, release(data), tmp_path)
    monkeypatch.setattr(Answers, "body", data[::-1])
    with pytest.raises(FetchError, match="is another file now"):
        download(address, release(data), tmp_path)
    with pytest.raises(FetchError, match="longer than 0 s"):
        download(address, release(data), tmp_path, seconds=0)


def test_no_network(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"cannot be fetched: .*refused.*another machine"):
        download("http://127.0.0.1:1/file", release(b"x"), tmp_path)


@pytest.mark.shared
def test_fetched_by_its_name(shared: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answers, "body", (shared / "models" / deeplab.SMALL.file).read_bytes())
    here = replace(published.PUBLISHED["deeplab-small"], address=address)
    monkeypatch.setitem(published.PUBLISHED, "deeplab-small", here)  # type: ignore[arg-type]
    assert cli.main(["model", "add", "deeplab-small"]) == 0
    assert added("deeplab-small")[0].name == "deeplab-small"


def test_another_file_under_its_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.tflite").write_bytes(b"something")
    wish = ImportOptions("deeplab", tmp_path / "own.tflite")
    with pytest.raises(InputError, match=r"is not DeepLabv3 .*add it under a name of its own"):
        published.add_published(wish, print)
