"""Who is let in: hosts, origins, tokens, paths; for a browser, a neighbour and an attacker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from appliance.http import guard
from tests.http.serving import JSON, STAGE_URI, Served, as_json, get, problem, serving, settings_of

TOKEN = "let-me-in-please"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example",
     "192.168.1.7", "", "[", "127.0.0.1@evil"],
)  # fmt: skip
def test_a_name_that_was_made_to_point_here(appliance: Served, host: str) -> None:
    """DNS rebinding: Host holds the page's own name."""
    for path in ("/api/status", "/", "/metrics"):
        answer = appliance.client.get(path, headers={"Host": host})
        assert answer.status_code in (400, 421), answer.text


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:80", "[::1]:8080"]
)
def test_our_own_names(appliance: Served, host: str) -> None:
    assert appliance.client.get("/api/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_a_page_from_elsewhere_changes_nothing(appliance: Served, headers: dict[str, str]) -> None:
    answer = appliance.client.patch("/api/picture", json={"edge_softness": 0.5}, headers=headers)
    assert "other sites" in problem(answer, 403)
    answer = appliance.client.delete("/api/backgrounds/red.png", headers=headers)
    assert "other sites" in problem(answer, 403)
    assert (appliance.folder / "red.png").exists()
    assert appliance.daemon.settings.edge.softness == 0


def test_a_form_of_a_page_from_elsewhere(appliance: Served) -> None:
    """What a browser sends without a preflight: these types, with any body."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x", ""):
        for path in ("/api/reset", "/api/picture"):
            method = "POST" if path == "/api/reset" else "PATCH"
            answer = appliance.client.request(
                method, path, content=json.dumps({}), headers={"Content-Type": kind}
            )
            assert "expected application/json" in problem(answer, 415)
        answer = appliance.client.put(
            "/api/backgrounds/x.png", content=b"x", headers={"Content-Type": kind}
        )
        assert "expected image/png" in problem(answer, 415)


def test_no_other_site_may_read_or_embed(appliance: Served) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PATCH"}
    asked = appliance.client.options("/api/picture", headers=headers)
    assert asked.status_code == 403
    for path in ("/", "/api/status", "/page/core.js", "/nothing"):
        answer = appliance.client.get(path, headers={"Origin": "http://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert appliance.client.get("/api/preview", headers=embedded).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert appliance.client.get("/", headers=link).status_code == 200


PATHS = [
    "/api/backgrounds/../config.yaml", "/api/backgrounds/..%2Fconfig.yaml",
    "/api/backgrounds/%2e%2e%2fconfig.yaml", "/api/backgrounds/%2e%2e/config.yaml",
    "/api/backgrounds/..%5cconfig.yaml", "/api/backgrounds/%00", "/api/backgrounds/red.png%00",
    "/api/backgrounds/%2fetc%2fpasswd", "/api/backgrounds//etc/passwd", "/api/backgrounds/.",
    "/api/backgrounds/..", "/api/backgrounds/%2e%2e", "/api/backgrounds/link.png",
    "/api/backgrounds/folder.png", "/api/backgrounds/.hidden.png", "/api/backgrounds/%ff%fe.png",
    "/api/backgrounds/" + "x" * 3000, "/page/../server.py", "/page/..%2fserver.py",
    "/page/%2e%2e/server.py", "/page//etc/passwd", "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
]  # fmt: skip


def test_no_path_leads_out_of_the_folder(appliance: Served, tmp_path: Path) -> None:
    """Sent verbatim, as a client library would normalise the path."""
    outside = tmp_path / "outside.png"
    outside.write_bytes((appliance.folder / "red.png").read_bytes())
    link, folder = appliance.folder / "link.png", appliance.folder / "folder.png"
    hidden = appliance.folder / ".hidden.png"
    link.symlink_to(outside)
    folder.mkdir()
    hidden.write_bytes(outside.read_bytes())
    try:
        listed = as_json(appliance.client.get("/api/backgrounds"))["entries"]
        assert [entry["name"] for entry in listed] == ["blue.jpg", "red.png"]
        for path in PATHS:
            for request in (f"DELETE {path}", f"GET {path}/thumbnail", f"GET {path}"):
                answer = appliance.raw(
                    f"{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
                )
                status = int(answer.split(b" ", 2)[1])
                assert status in (404, 405), (request, answer[:300])
                assert b"root:" not in answer
        for name in ("link.png", "folder.png", ".hidden.png", "../backgrounds/red.png", "\0",
                     "red.png\0", str(outside), f"{appliance.folder}/red.png"):  # fmt: skip
            assert "there is no background" in problem(appliance.change(background=name), 409)
        assert outside.exists()
        assert link.is_symlink()
        assert hidden.exists()
        assert appliance.path.exists()
    finally:
        link.unlink()
        folder.rmdir()
        hidden.unlink()


def test_too_much(appliance: Served) -> None:
    words = problem(
        appliance.client.patch("/api/picture", content=b"x" * 70_000, headers=JSON), 413
    )
    assert "at most 65536 bytes" in words

    def pieces() -> Iterator[bytes]:
        for _ in range(70):
            yield b" " * 1000

    chunked = appliance.client.patch("/api/picture", content=pieces(), headers=JSON)
    assert "at most 65536 bytes" in problem(chunked, 413)
    assert appliance.client.get("/api/status").status_code == 200


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, network: Path, room: Path
) -> Iterator[Served]:
    """An appliance that listens on every address, and so has a token."""
    folder = tmp_path_factory.mktemp("guarded")
    data = settings_of(room, network, folder, address="0.0.0.0", token=TOKEN)
    with pytest.MonkeyPatch.context() as patch, serving(folder, data) as served:
        patch.setattr(guard, "WRONG_TOKEN_S", 0.0)
        yield served


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x",
     f"Bearer {TOKEN[:-1]}", "Bearer \u00e9", f"Bearer {TOKEN} {TOKEN}"],
)  # fmt: skip
def test_without_the_token_nobody_gets_in(guarded: Served, authorization: str) -> None:
    headers = {"Authorization": authorization.encode("latin-1")}
    stranger = httpx.Client(base_url=guarded.server.url or "", verify=False)
    for method, path in [
        ("GET", "/api/status"), ("GET", "/metrics"), ("GET", "/healthz"), ("GET", "/readyz"),
        ("GET", "/openapi.json"), ("GET", "/api/preview"), ("GET", "/api/snapshot"),
        ("PATCH", "/api/picture"), ("POST", "/api/reset"), ("PUT", "/api/backgrounds/x.png"),
        ("GET", "/nothing"), ("GET", "//page/core.js"), ("GET", "/page"),
    ]:  # fmt: skip
        answer = stranger.request(method, path, headers=headers)
        assert "a token is needed" in problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert TOKEN not in answer.text
    stranger.close()


def test_guessing_takes_patience(guarded: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "WRONG_TOKEN_S", 0.3)
    began = time.monotonic()
    wrong = guarded.client.get("/api/status", headers={"Authorization": "Bearer wrong-one"})
    assert wrong.status_code == 401
    assert time.monotonic() - began >= 0.3


def test_with_the_token_everything_is_there(guarded: Served) -> None:
    assert guarded.client.get("/api/status").status_code == 200
    assert guarded.client.get("/metrics").status_code == 200
    assert as_json(guarded.change(edge_softness=0.2))["picture"]["edge_softness"] == 0.2
    assert guarded.client.get("/api/status", headers={"Host": "studio.local"}).status_code == 200
    cross = guarded.client.patch(
        "/api/picture", json={"edge_softness": 0.3}, headers={"Origin": "http://evil.example"}
    )
    assert cross.status_code == 403
    assert TOKEN not in guarded.client.get("/api/status").text


def test_the_page_itself_needs_no_token_for_it_asks_for_one(guarded: Served) -> None:
    for path in ("/", "/page/base.css", "/page/core.js", "/page/mattebox.svg"):
        answer = get(f"{guarded.server.url}{path}")
        assert answer.status_code == 200
        assert STAGE_URI not in answer.text
    assert get(f"{guarded.server.url}/page/other.js").status_code == 404
