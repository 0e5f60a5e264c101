"""The API as a program would use it: reading, changing, keeping, resetting."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from PIL import Image

from appliance.http.routes import OPERATIONS
from tests.http.serving import JSON, STAGE_URI, Served, as_json, corner, problem, wait_until
from tests.scenes import STAGE


def test_status_says_how_it_is(appliance: Served) -> None:
    status = as_json(appliance.client.get("/api/status"))
    assert status["state"] == "live"
    assert status["words"] == "Live: nobody reads the stream."
    assert status["notes"] == []
    assert (status["width"], status["height"], status["fps"]) == (320, 180, 15.0)
    assert status["frames"]["composites"] > 0
    assert {stage["name"] for stage in status["stages"]} >= {"crop", "network", "composite"}
    assert all(stage["mean_ms"] > 0 for stage in status["stages"])
    assert status["picture"]["background"] == STAGE_URI
    assert status["configuration"]["file"] == str(appliance.path)
    assert status["outputs"][0]["uri"] == "null://"
    assert status["outputs"][0]["what"] == "picture"


def test_a_change_is_in_the_next_picture_and_not_in_the_file(appliance: Served) -> None:
    before = appliance.path.read_bytes()
    applied = appliance.reloader.state.status().applied
    answer = as_json(appliance.change(background="red.png", edge_softness=0.25))
    assert answer["picture"]["background"] == "red.png"
    assert answer["changed"] == ["background", "edge"]
    assert not answer["kept"]
    assert appliance.daemon.settings.edge.softness == 0.25
    shot = appliance.client.get("/api/snapshot")
    assert shot.headers["content-type"] == "image/png"
    assert np.abs(corner(shot.content) - (200, 20, 20)).max() < 12
    assert appliance.path.read_bytes() == before
    assert appliance.reloader.state.status().applied == applied + 1


@pytest.mark.parametrize("people", ["all", "largest", "taking-part"])
def test_who_is_shown(appliance: Served, people: str) -> None:
    before = appliance.daemon.settings.clean
    answer = as_json(appliance.change(people=people))
    assert answer["picture"]["people"] == people
    assert appliance.daemon.settings.clean == before.model_copy(update={"keep": people})


def test_a_name_a_colour_the_gradient_the_blur(appliance: Served) -> None:
    for background, expected in [
        ("colour:#00B140", "colour:#00b140"),
        ("gradient://", "gradient://"),
        ("blue.jpg", "blue.jpg"),
    ]:
        answer = as_json(appliance.change(background=background))
        assert answer["picture"]["background"] == expected
        assert answer["picture"]["hides_room"]
    blurred = as_json(appliance.change(background="blur://", blur_radius=0.1))
    assert not blurred["picture"]["hides_room"]
    assert "The room shows" in as_json(appliance.client.get("/api/status"))["words"]


def test_a_kept_change_stands_in_the_file_with_its_comments(appliance: Served) -> None:
    refusals = appliance.reloader.state.status().refused
    answer = as_json(appliance.change(background="blue.jpg", blur_radius=0.2, keep=True))
    assert answer["kept"]
    assert answer["note"] is None
    text = appliance.path.read_text()
    assert text.startswith("# my studio\n")
    assert text.endswith("# the end\n")
    data = yaml.safe_load(text)
    assert data["background"] == {"uri": "backgrounds/blue.jpg", "blur_radius": 0.2}
    # The file watch knows about it: two looks later nothing has been reloaded.
    applied = appliance.reloader.state.status().applied
    appliance.change(edge_softness=0.4)
    watch = appliance.reloader._watch
    assert watch is not None
    for _ in range(3):
        assert not watch.changed()
    assert appliance.daemon.settings.edge.softness == 0.4
    status = appliance.reloader.state.status()
    assert (status.applied, status.refused) == (applied + 1, refusals)
    as_json(appliance.change(background=STAGE_URI, blur_radius=0.03, edge_softness=0.0, keep=True))


def test_what_was_changed_before_is_kept_with_it(appliance: Served) -> None:
    as_json(appliance.change(edge_softness=0.3))
    as_json(appliance.change(background="red.png"))
    assert as_json(appliance.change(fit="fit", keep=True))["kept"]
    data = yaml.safe_load(appliance.path.read_text())
    assert data["background"]["uri"] == "backgrounds/red.png"
    assert (data["background"]["fit"], data["edge"]["softness"]) == ("fit", 0.3)
    # Also with nothing new; and what the file says already stays as it is written there.
    as_json(appliance.change(background=STAGE_URI, fit="fill", edge_softness=0.0))
    assert as_json(appliance.change(keep=True))["kept"]
    data = yaml.safe_load(appliance.path.read_text())
    assert data["background"]["uri"] == STAGE_URI
    assert not as_json(appliance.change(keep=True))["kept"]


def test_nothing_is_kept_where_the_whole_file_would_be_wrong(appliance: Served) -> None:
    good = appliance.path.read_text()
    appliance.path.write_text(good.replace("model:", "modle:"))
    try:
        wait_until(lambda: appliance.reloader.state.status().refusal)
        bad = appliance.path.read_bytes()
        words = problem(appliance.change(background="red.png", keep=True), 409)
        assert f"{appliance.path} would not be right" in words
        assert "did you mean model?" in words
        assert ".new" not in words
        assert appliance.path.read_bytes() == bad
        assert [p.name for p in appliance.path.parent.glob(".*")] == []
        assert appliance.daemon.settings.background.uri == STAGE_URI
        # What is not to be kept is still changed.
        as_json(appliance.change(background="red.png"))
    finally:
        appliance.path.write_text(good)
        wait_until(lambda: appliance.reloader.state.status().refusal is None)


def test_reset_is_back_to_the_file(appliance: Served) -> None:
    as_json(appliance.change(background="red.png", edge_softness=3.0))
    answer = as_json(appliance.client.post("/api/reset", json={}))
    assert answer["changed"] == ["background", "edge"]
    assert answer["picture"]["background"] == STAGE_URI
    assert appliance.daemon.settings.edge.softness == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"background": "green.png"}, "there is no background 'green.png'"),
        ({"background": "colour:#12"}, "a colour is written colour:#RRGGBB"),
        ({"background": "rtsp://host/path"}, "there is no background"),
        ({"background": "file:///etc/passwd"}, "there is no background"),
        ({"background": "/etc/passwd"}, "there is no background"),
    ],
)
def test_what_cannot_be_a_background(appliance: Served, body: Any, words: str) -> None:
    assert words in problem(appliance.change(**body), 409)
    assert appliance.daemon.settings.background.uri == STAGE_URI


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body: not JSON, from line 1 column 0 on; expected an object"),
        (b"{", "the body: not JSON, from line 1 column 1 on; expected an object"),
        (b"[]", "the body: found []; expected an object"),
        (b"\xff\xfe", "the body: not JSON"),
        (b"[" * 5000, "the body: not JSON"),
        (b'{"edge_softness": 90}', "edge_softness: found 90; expected a number from 0 to 32 ("),
        (b'{"edge_softness": NaN}', "edge_softness: found nan; expected a number from 0 to 32 ("),
        (
            b'{"edge_softness": "0.1"}',
            "edge_softness: found '0.1'; expected a number from 0 to 32 (",
        ),
        (b'{"edge_softness": true}', "edge_softness: found True; expected a number from 0 to 32 ("),
        (b'{"blur_radius": 0}', "blur_radius: found 0; expected a number above 0"),
        (b'{"fit": "stretch"}', "fit: found 'stretch'; expected fill or fit ("),
        (b'{"people": "me"}', "people: found 'me'; expected taking-part, all or largest ("),
        (b'{"source": "x"}', "source: unknown key; known here: background, fit, "),
        (b'{"background": ""}', "background: found ''; expected the name of one of /api/back"),
        (b'{"background": "%s"}' % (b"x" * 400), "1 to 300 characters"),
    ],
)
def test_a_wrong_body_is_told(appliance: Served, body: bytes, words: str) -> None:
    answer = appliance.client.patch("/api/picture", content=body, headers=JSON)
    assert words in problem(answer, 422)


def test_a_damaged_background_changes_nothing(appliance: Served) -> None:
    broken = appliance.folder / "broken.png"
    broken.write_bytes((appliance.folder / "red.png").read_bytes()[:200])
    try:
        words = problem(appliance.change(background="broken.png"), 409)
        assert "damaged or broken off" in words
        assert appliance.daemon.settings.background.uri == STAGE_URI
        assert appliance.client.get("/api/backgrounds/broken.png/thumbnail").status_code == 404
    finally:
        broken.unlink()


def test_snapshots(appliance: Served) -> None:
    sizes = {}
    for show in ("composite", "matte", "both"):
        answer = appliance.client.get("/api/snapshot", params={"show": show, "format": "png"})
        with Image.open(io.BytesIO(answer.content)) as picture:
            sizes[show] = picture.size
            assert picture.format == "PNG"
            if show == "matte":
                matte = np.asarray(picture.convert("L"))
    assert sizes == {"composite": (320, 180), "matte": (320, 180), "both": (640, 180)}
    assert matte[4, 4] == 0
    assert matte.max() == 255
    jpeg = appliance.client.get("/api/snapshot?format=jpeg")
    assert jpeg.headers["content-type"] == "image/jpeg"
    assert np.abs(corner(jpeg.content) - STAGE).max() < 6
    assert "expected png or jpeg" in problem(appliance.client.get("/api/snapshot?format=gif"), 422)
    words = problem(appliance.client.get("/api/snapshot?show=room"), 422)
    assert "expected composite or matte or both or plate" in words


def test_snapshots_are_few_at_a_time(appliance: Served) -> None:
    held = [appliance.site.snapshots.acquire(blocking=False) for _ in range(2)]
    try:
        assert held == [True, True]
        words = problem(appliance.client.get("/api/snapshot"), 503)
        assert "too much is being done at once" in words
    finally:
        for _ in held:
            appliance.site.snapshots.release()
    assert appliance.client.get("/api/snapshot").status_code == 200


def test_openapi_is_valid_and_is_what_there_is(appliance: Served) -> None:
    document = as_json(appliance.client.get("/openapi.json"))
    validate(document, cls=OpenAPIV31SpecValidator)
    described = {(m.upper(), p) for p, item in document["paths"].items() for m in item}
    assert described == {(operation.method, operation.path) for operation in OPERATIONS}
    # Every route answers; every other method is refused.
    for path, item in document["paths"].items():
        real = path.replace("{name}", "red.png")
        for method in ("get", "put", "post", "patch", "delete"):
            if method not in item:
                answer = appliance.client.request(method, real, json={})
                assert "openapi.json says what is" in problem(answer, 405)


def test_answers_are_what_openapi_says(appliance: Served) -> None:
    document = as_json(appliance.client.get("/openapi.json"))
    asked = [
        ("get", "/api/status", None), ("patch", "/api/picture", {"edge_softness": 0.2}),
        ("post", "/api/reset", {}), ("get", "/api/backgrounds", None), ("get", "/healthz", None),
        ("get", "/readyz", None), ("patch", "/api/picture", {"edge_softness": 7}),
        ("patch", "/api/picture", {"background": "no.png"}), ("get", "/api/snapshot?show=x", None),
    ]  # fmt: skip
    for method, path, body in asked:
        answer = appliance.client.request(method, path, json=body)
        operation = document["paths"][path.partition("?")[0]][method]
        described = operation["responses"][str(answer.status_code)]["content"]
        schema = described["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        Draft202012Validator(whole).validate(answer.json())


def test_nothing_there(appliance: Served) -> None:
    assert "openapi.json" in problem(appliance.client.get("/api/nothing"), 404)
    assert "openapi.json" in problem(appliance.client.get("/api/status/"), 404)


def test_a_file_that_cannot_be_written(appliance: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    def refuse(*_: object, **__: object) -> tuple[int, str]:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("appliance.config.write_back.tempfile.mkstemp", refuse)
    words = problem(appliance.change(background="red.png", keep=True), 409)
    assert words == (
        f"{appliance.path} cannot be written: the file system is read-only; nothing was changed"
    )
    assert appliance.daemon.settings.background.uri == STAGE_URI


def test_two_changes_at_once_are_made_one_after_the_other(appliance: Served) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        values = [0.1, 0.2, 0.3, 0.4]
        answers = list(pool.map(lambda value: appliance.change(edge_softness=value), values))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert appliance.daemon.settings.edge.softness in values


def test_an_appliance_without_a_file_keeps_nothing(
    appliance: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    state = appliance.reloader.state
    monkeypatch.setattr(state, "status", lambda: replace(state._status, path=None))
    words = problem(appliance.change(edge_softness=0.3, keep=True), 409)
    assert "there is no configuration file to keep it in" in words


def test_a_link_to_the_file_stays_a_link(appliance: Served, tmp_path: Path) -> None:
    from appliance.config.write_back import draft

    link = tmp_path / "link.yaml"
    link.symlink_to(appliance.path)
    before = appliance.path.read_text()
    new = draft(link, {"edge.softness": 0.5}, lambda _: None)
    new.finish()
    assert link.is_symlink()
    assert yaml.safe_load(appliance.path.read_text())["edge"] == {"softness": 0.5}
    appliance.path.write_text(before)
