"""Certificates of rtsps:// outputs: told apart from what is none, with what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.config.settings import RtspSettings
from appliance.errors import InputError
from appliance.outputs.rtsp import certificate
from tests.certificates import self_signed


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("pair"))


def rtsp(pem: Path | str, key: Path | str = "none") -> RtspSettings:
    return RtspSettings(certificate=str(pem), key=str(key))


def test_a_certificate_with_its_key_is_right(pair: tuple[Path, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text(pair[1].read_text() + pair[0].read_text())
    for settings in (rtsp(*pair), rtsp(both)):
        assert list(certificate.problems(settings)) == []
        assert certificate.load(settings) is not None
    assert list(certificate.problems(RtspSettings())) == []
    assert certificate.load(RtspSettings()) is None


def test_what_is_wrong_is_told_at_its_key(pair: tuple[Path, Path], tmp_path: Path) -> None:
    pem, key = pair
    _, other = self_signed(tmp_path, "other")
    empty, locked = tmp_path / "empty", tmp_path / "locked"
    empty.touch()
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes128", "-passout", "pass:open sesame", "-out", locked],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    for settings, at, said in (
        (rtsp("/no/such.pem"), "certificate", "cannot be read (No such file or directory); name"),
        (rtsp(tmp_path), "certificate", "cannot be read (Is a directory)"),
        (rtsp(empty), "certificate", "holds no certificate; expected PEM text"),
        (rtsp(key), "certificate", "holds no certificate"),
        (rtsp(pem), "certificate", "holds no private key"),
        (rtsp(pem, "/no/such.key"), "key", "cannot be read (No such file"),
        (rtsp(pem, empty), "key", "holds no private key"),
        (rtsp(pem, other), "key", f"is not the key of {pem}"),
        (rtsp(pem, locked), "key", "is protected by a password; expected one without"),
    ):
        problems = list(certificate.problems(settings))
        assert [name for name, _ in problems] == [f"rtsp.{at}"], problems
        assert said in problems[0][1]
        with pytest.raises(InputError, match="RTSP over TLS"):
            certificate.load(settings)


def test_a_renewed_file_is_another_state(tmp_path: Path) -> None:
    settings = rtsp(*self_signed(tmp_path))
    before = certificate.state(settings)
    assert certificate.state(settings) == before
    self_signed(tmp_path)
    assert certificate.state(settings) != before
    (tmp_path / "rtsp.pem").unlink()
    assert certificate.state(settings)[0] is None
