"""A package index on loopback, and a project that has a uv of its own making locked."""

import base64
import contextlib
import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.guards.architecture.tree import ROOT

VERSION = "1.2.3"
WHEEL = f"uv-{VERSION}-py3-none-" + (
    f"macosx_10_12_{platform.machine()}" if sys.platform == "darwin" else f"musllinux_1_1_{platform.machine()}"
)
NAME = f"{WHEEL}.whl"
PROGRAM = f"""#!/bin/sh
# Stands for uv: writes down how it is called.
if [ "$1" = --version ]; then echo "uv {VERSION} (of nobody's)"; exit; fi
echo "uv $*" >>"$HOME/calls"
env >"$HOME/environment"
if [ "$1" = "$FAILING" ]; then echo "$COMPLAINT" >&2; exit 1; fi
if [ "$1" = export ]; then
    while [ $# -gt 1 ]; do if [ "$1" = --output-file ]; then echo "-e ." >"$2"; fi; shift; done
fi
"""


def wheel_of(program: str = PROGRAM) -> bytes:
    """A wheel with that program as uv."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in (("uv", program), ("uvx", "not this one")):
            # With a date of its own: the same wheel whenever it is made.
            archive.writestr(zipfile.ZipInfo(f"uv-{VERSION}.data/scripts/{name}"), content)
    return packed.getvalue()


class PackageIndex:
    """What the index has and how it answers; what it was asked is kept."""

    def __init__(self) -> None:
        self.form = "json"
        self.file: bytes | None = wheel_of()
        self.credentials: str | None = None
        self.files_at: str | None = None
        """Another origin, which a request for a file is sent on to."""
        self.failures = 0
        """So many answers are 503 first."""
        self.asked: list[tuple[str, str | None]] = []
        """Path and Authorization of every request."""
        self.origin = ""

    @property
    def url(self) -> str:
        """Its simple interface."""
        return f"{self.origin}/simple"

    def answer(self, path: str, authorization: str | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        self.asked.append((path, authorization))
        wanted = self.credentials and "Basic " + base64.b64encode(self.credentials.encode()).decode()
        if self.failures:
            self.failures -= 1
            return 503, {}, b"later"
        if wanted and authorization != wanted:
            return 401, {}, b"who are you?"
        if path == f"/files/{NAME}" and self.file is not None:
            if self.files_at is not None:
                return 302, {"Location": f"{self.files_at}{path}"}, b""
            return 200, {"Content-Type": "application/octet-stream"}, self.file
        if path != "/simple/uv/":
            return 404, {}, b"nothing here"
        return self._page()

    def _page(self) -> tuple[int, dict[str, str], bytes]:
        names = ["uv-0.0.1-py3-none-any.whl", *([NAME] if self.file is not None else [])]
        if self.form == "html":
            links = "".join(f'<a href="../../files/{name}#sha256=0" data-x="&lt;">{name}</a><br>' for name in names)
            return 200, {"Content-Type": "text/html"}, f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
        if self.form == "nonsense":
            return 200, {"Content-Type": "application/json"}, b"[]"
        page = json.dumps({"files": [{"filename": name, "url": f"{self.origin}/files/{name}"} for name in names]})
        kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
        if self.form == "gzip":
            return 200, {**kind, "Content-Encoding": "gzip"}, gzip.compress(page.encode())
        return 200, kind, page.encode()


@contextlib.contextmanager
def served_index(context: ssl.SSLContext | None = None) -> Iterator[PackageIndex]:
    """An index that answers until the block ends, over TLS where there is a context."""
    index = PackageIndex()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = index.answer(self.path, self.headers["Authorization"])
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    index.origin = f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Newcomer:
    """A checkout in a folder of its own, and somebody with an empty home who types `make` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout"
        self.home = folder / "home"
        self.home.mkdir()
        shutil.copytree(ROOT / "tools", self.folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Makefile", self.folder)
        (self.folder / "pyproject.toml").write_text('[dependency-groups]\ndev = ["uv==1.2.3", "pytest>=9"]\n')
        self.lock(wheel_of())

    def lock(self, wheel: bytes) -> None:
        """Pin that wheel; where the lock says it is, nobody is."""
        digest = hashlib.sha256(wheel).hexdigest()
        (self.folder / "uv.lock").write_text(
            f'[[package]]\nname = "uv"\nversion = "{VERSION}"\nsource = {{ registry = "https://nowhere.invalid" }}\n'
            f'wheels = [{{ url = "https://nowhere.invalid/{NAME}", hash = "sha256:{digest}" }}]\n'
            '[[package]]\nname = "pytest"\nversion = "9.0.1"\nsource = { registry = "https://nowhere.invalid" }\n'
        )

    def environ(self, **more: str) -> dict[str, str]:
        """What a bare shell has set."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            # What this machine has set for everybody is of no interest here.
            "XDG_CONFIG_DIRS": str(self.home / "xdg"),
            "PIP_CONFIG_FILE": os.devnull,
            "PYTHONDONTWRITEBYTECODE": "1",
            **more,
        }

    def sets_up(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """`python3 -m tools.bootstrap .venv`."""
        return self._run(sys.executable, "-m", "tools.bootstrap", ".venv", *arguments, **more)

    def makes(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """`make …`."""
        return self._run("make", "--no-print-directory", f"PYTHON={sys.executable}", *arguments, **more)

    @property
    def calls(self) -> list[str]:
        """How uv was called so far."""
        path = self.home / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def seen_by_uv(self) -> dict[str, str]:
        """The variables of its last call."""
        lines = (self.home / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def _run(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=100,
        )
