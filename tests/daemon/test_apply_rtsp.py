"""A running appliance whose rules for RTSP readers change: who stays, who goes, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.config.settings import Settings
from appliance.errors import ConfigError
from tests.certificates import self_signed
from tests.daemons import running
from tests.outputs.conftest import RtspByHand, wait_until

LOGIN = ("mattebox", "correct horse battery")


def changed(settings: Settings, **sections: Any) -> Settings:
    """The settings with other values in some sections."""
    data = settings.model_dump(exclude={"rtsp"})
    data["outputs"] = tuple(data["outputs"])
    return Settings.model_validate(data | sections)


def test_the_password_of_a_running_stream(
    monkeypatch: pytest.MonkeyPatch, network: Path, room: Path, tmp_path: Path
) -> None:
    pem, key = self_signed(tmp_path)
    base = {"source": {"uri": str(room)}, "outputs": ({"uri": "rtsp://127.0.0.1:0/live"},)}
    with running(monkeypatch, network, **base) as (daemon, _, _matting):
        wait_until(lambda: daemon.statuses()[0].state == "running")
        [uri] = daemon.addresses()
        open_to_all = daemon.settings
        with RtspByHand(uri) as reader:
            reader.play()
            # Neither these nor a file that is refused touch whoever reads.
            daemon.apply(changed(open_to_all, rtsp={"max_clients": 5, "unread_timeout_s": 3.0}))
            for wrong in (
                {"password": "${env:NOT_SET_ANYWHERE}"},
                {"certificate": str(tmp_path / "none.pem")},
                {"certificate": str(pem), "key": str(self_signed(tmp_path, "other")[1])},
            ):
                with pytest.raises(ConfigError, match=r"not set|cannot be read|is not the key"):
                    daemon.apply(changed(open_to_all, rtsp=wrong))
            assert daemon.settings.rtsp.max_clients == 5
            assert reader.socket.recv(65536)
            daemon.apply(changed(open_to_all, rtsp={"password": LOGIN[1]}))
            while reader.socket.recv(65536):
                continue
        assert daemon.addresses() == [uri]
        with RtspByHand(uri) as stranger:
            assert stranger.ask("DESCRIBE", uri)[0] == 401
        with RtspByHand(uri, login=LOGIN) as reader:
            reader.play()
            assert reader.socket.recv(1) == b"$"
            # One more output, encrypted by a certificate that comes in the same change.
            secure = changed(
                open_to_all,
                rtsp={"password": LOGIN[1], "certificate": str(pem), "key": str(key)},
                outputs=(*base["outputs"], {"uri": "rtsps://127.0.0.1:0/safe"}),
            )
            daemon.apply(secure)
            wait_until(lambda: daemon.statuses()[1].state == "running")
            safe = daemon.addresses()[1]
            with RtspByHand(safe, login=LOGIN, trusted=pem) as second:
                second.play()
                assert second.socket.recv(1) == b"$"
            assert reader.socket.recv(65536)
