"""Addresses with passwords that were not quoted."""

from __future__ import annotations

import pytest

from appliance.config.shapes import rtsp


@pytest.mark.parametrize(
    ("password", "written"),
    [
        ("ge#heim", "a # in a user or password is written %23"),
        ("ge/heim", "a / in a user or password is written %2F"),
        ("ge@heim", "a @ in a user or password is written %40"),
        ("ge?heim", r"a \? in a user or password is written %3F"),
        ("ge%heim", "a % in a user or password is written %25"),
        ("ge[heim", r"a \[ in a user or password is written %5B"),
    ],
)
@pytest.mark.parametrize("rest", ["camera/main", "camera:554/main", "10.0.0.5/a@b"])
def test_a_raw_sign_in_a_password_is_named(password: str, written: str, rest: str) -> None:
    with pytest.raises(ValueError, match=written) as caught:
        rtsp(f"rtsp://me:{password}@{rest}", listen=False)
    assert "heim" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://camera/main", "rtsp://camera:554/stream@main", "rtsp://me@camera/main",
        "rtsp://me:ge%23heim@camera/main", "rtsp://me:${credential:camera}@camera:554/main",
        "rtsp://[fe80::1]:554/a", "rtsp://me:word@[fe80::1]:554/a", "rtsp://camera/a@b#c",
        "rtsp://me:word@camera/a@b", "rtsp://camera:554/a/b@c/d@e",
        "rtsp://${env:U}:${env:P}@camera/main",
    ],
)  # fmt: skip
def test_what_is_quoted_or_has_no_password_is_right(uri: str) -> None:
    assert rtsp(uri, listen=False) == uri
