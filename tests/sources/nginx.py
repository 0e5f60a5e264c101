"""nginx with its RTMP module, as a media server of one application, ``live``."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sources.senders import until

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


@contextmanager
def serving(folder: Path, port: int) -> Iterator[None]:
    """The server at a port of 127.0.0.1, its files in ``folder``; skips where it is missing."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None or not MODULE.exists():
        pytest.skip("no nginx with RTMP here: apt install nginx libnginx-mod-rtmp")
    (folder / "nginx.conf").write_text(
        f"load_module {MODULE}; worker_processes 1; daemon off; master_process off;\n"
        f"pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 64; }\n"
        f"rtmp {{ server {{ listen 127.0.0.1:{port}; "
        "application live { live on; record off; } } }\n"
    )
    server = subprocess.Popen(
        [nginx, "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf"), "-p", folder],
        stderr=subprocess.DEVNULL,
    )

    def listens() -> bool:
        assert server.poll() is None, (folder / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens)
        yield
    finally:
        server.kill()
        server.wait(10)
