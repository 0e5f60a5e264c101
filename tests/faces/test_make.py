from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config.settings.face import FaceSettings
from appliance.errors import FaceError
from appliance.faces.make import make_face
from appliance.faces.mouth_bank import MouthBank
from appliance.faces.onnx_driver import OnnxFace
from tests.faces import drawn
from tests.faces.graphs import wav2lip
from tests.faces.test_mouth_bank import drawn_bank


def test_the_driver_of_the_settings(tmp_path: Path) -> None:
    plain = drawn.drawn_avatar(tmp_path / "plain")
    speaks = drawn.drawn_avatar(tmp_path / "speaks", drawn_bank())
    assert make_face(FaceSettings(), plain) is None
    assert isinstance(make_face(FaceSettings(), speaks), MouthBank)
    assert make_face(FaceSettings(driver="none"), speaks) is None
    assert isinstance(make_face(FaceSettings(driver="mouths"), speaks), MouthBank)
    with pytest.raises(FaceError, match=r"face\.driver: mouths, and plain has none"):
        make_face(FaceSettings(driver="mouths"), plain)
    path = str(wav2lip(tmp_path / "network"))
    assert isinstance(make_face(FaceSettings(driver=path), plain), OnnxFace)
    with pytest.raises(FaceError, match=r"none\.yaml"):
        make_face(FaceSettings(driver=str(tmp_path / "none.yaml")), plain)
