"""Encoders that several take from."""

from __future__ import annotations

import pytest

from appliance.errors import OutputError
from appliance.outputs.encoded.shared import EncodedStream, Encoders
from appliance.outputs.encoders import DEFAULT, Wanted
from tests.outputs.conftest import FORMAT


def test_a_change_that_fails_leaves_the_encoder_to_those_who_take_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = (EncodedStream(FORMAT, DEFAULT, None, lambda packet: None) for _ in range(2))

    def fail(*_: object) -> None:
        raise OutputError("no session is left")

    with monkeypatch.context() as patch:
        patch.setattr(Encoders, "take_video", fail)
        with pytest.raises(OutputError, match="no session"):
            one.change(Wanted(bitrate_kbps=700))
    one.close()
    assert Encoders.running() == [("x264enc", 1)]
    other.close()
    assert Encoders.running() == []
