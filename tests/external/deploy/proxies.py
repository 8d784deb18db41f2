"""Debian's real nginx and Caddy on loopback, without rights, with the files of deploy/ as their configuration."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import httpx
from msgspec import Struct

from tests.external.deploy.files import DEPLOY, changed, shipped, uncommented
from tests.programs import program, reachable
from tests.serving import until

Layout = Literal["subdomain", "same-origin"]
LAYOUTS: Final[tuple[Layout, ...]] = ("subdomain", "same-origin")
PROXIES: Final = ("nginx", "caddy")
LONGEST: Final = "600"
"""Seconds after which a proxy ends whose test was killed."""
SHOP: Final = "the shop as it was"
HSTS: Final = "max-age=31536000"

NGINX: Final = """
daemon off;
worker_processes 2;
pid nginx.pid;
error_log error.log info;
events {{ worker_connections 256; }}
http {{
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    # What a shop may have set for itself, and what must not reach ours.
    gzip on;
    gzip_min_length 1;
    gzip_proxied any;
    gzip_types *;
    proxy_intercept_errors on;
    include conf.d/*.conf;
    include sites/*.conf;
}}
"""
SHOPS_OWN: Final = """
server {{
    listen 127.0.0.1:{port};
    server_name {name};
    add_header Strict-Transport-Security "max-age=31536000" always;
    add_header X-Frame-Options SAMEORIGIN always;
    error_page 404 413 500 503 /oops;
    location = /oops {{ return 200 "the shop's own error page"; }}
    location ~ /\\. {{ deny all; }}
    location ~ \\.json$ {{ return 418; }}
    location / {{ return 200 "the shop as it was"; }}
    include snippets/storefront-same-origin.conf;
}}
"""


class Front(Struct, frozen=True, kw_only=True):
    """A proxy in front of a server."""

    proxy: Literal["nginx", "caddy"]
    layout: Layout
    origin: str
    """As clients reach it."""
    folder: Path
    """Its logs, as far as it keeps any."""

    def logged(self) -> str:
        """Everything it has written down."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))


@contextlib.contextmanager
def nginx(
    layout: Layout,
    *,
    port: int,
    upstream: int,
    name: str = "127.0.0.1",
    change: Mapping[str, Callable[[str], str]] = {},
    beside: Mapping[str, str] = {},
    longest: str = LONGEST,
) -> Iterator[Front]:
    """Run nginx with a layout in front of what listens at `upstream`.

    `change` edits a file of deploy/nginx, `beside` are more files of its folder; it ends after `longest` seconds.
    """
    executable = program("nginx")
    with _folder() as folder:
        for room in ("conf.d", "sites", "snippets"):
            (folder / room).mkdir()
        for extra, text in {"nginx.conf": NGINX.format(), **beside}.items():
            (folder / extra).write_text(text)
        texts = {path.name: change.get(path.name, str)(path.read_text()) for path in (DEPLOY / "nginx").iterdir()}
        text = changed(texts.pop("storefront-upstream.conf"), {"127.0.0.1:8000": f"127.0.0.1:{upstream}"})
        (folder / "conf.d" / "storefront-upstream.conf").write_text(text)
        whole = texts.pop("storefront-subdomain.conf")
        # Tests have no right to the ports of the web; a store with a name of its own is reached as if by the usual one.
        if name == "127.0.0.1":
            texts["storefront-proxy.conf"] = changed(
                texts["storefront-proxy.conf"], {" Host $host;": " Host $host:$server_port;"}
            )
        for snippet, text in texts.items():
            (folder / "snippets" / snippet).write_text(text)
        if layout == "subdomain":
            site = changed(whole, {"listen 80;": f"listen 127.0.0.1:{port};", "pickle.example;": f"{name};"})
        else:
            site = SHOPS_OWN.format(port=port, name=name)
        (folder / "sites" / "site.conf").write_text(site)
        command = [executable, "-p", str(folder), "-e", "error.log", "-c", "nginx.conf"]
        with _running(command, folder, port, longest):
            yield Front(proxy="nginx", layout=layout, origin=f"http://127.0.0.1:{port}", folder=folder)


@contextlib.contextmanager
def caddy(layout: Layout, *, port: int, upstream: int, name: str = "127.0.0.1") -> Iterator[Front]:
    """Run Caddy likewise, without certificates and without its interface for administrators."""
    executable = program("caddy")
    text = changed(
        shipped(f"caddy/{layout}.Caddyfile"),
        {
            "\n\n{\n": "\n\n{\n\tadmin off\n\tauto_https off\n",
            "pickle.example {": f"http://{name}:{port} {{",
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        },
    )
    if layout == "same-origin":
        text = changed(
            text, {"reverse_proxy 127.0.0.1:8080": f'respond "{SHOP}"', " /webhooks/*\n": " /webhooks/* /sandbox/*\n"}
        )
    with _folder() as folder:
        (folder / "Caddyfile").write_text(text)
        command = [executable, "run", "--adapter", "caddyfile", "--config", "Caddyfile"]
        with _running(command, folder, port):
            yield Front(proxy="caddy", layout=layout, origin=f"http://127.0.0.1:{port}", folder=folder)


def with_sandbox(text: str) -> str:
    """The shop's own origin with the sandbox's payment page."""
    return uncommented(text, r"location \^~ /sandbox/")


@contextlib.contextmanager
def fronted(proxy: str, layout: Layout, *, port: int, upstream: int, name: str = "127.0.0.1") -> Iterator[Front]:
    """Either proxy, with the sandbox."""
    if proxy == "caddy":
        with caddy(layout, port=port, upstream=upstream, name=name) as front:
            yield front
        return
    change = {"storefront-same-origin.conf": with_sandbox}
    with nginx(layout, port=port, upstream=upstream, name=name, change=change) as front:
        yield front


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Not pytest's folder: only its owner may enter that, and a proxy has no rights."""
    folder = Path(tempfile.mkdtemp(prefix="storefront-proxy-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int, longest: str = LONGEST) -> Iterator[None]:
    account = "nobody" if os.getuid() == 0 else None
    if account is not None:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, account)
        command[0] = str(reachable(command[0], folder))
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (folder / "out.log").open("wb") as out:
        process = subprocess.Popen(
            ["timeout", longest, *command], cwd=folder, stdout=out, stderr=out, user=account, env=environment
        )
        try:
            until(lambda: process.poll() is not None or _answers(port), command[0], patience=120)
            assert process.poll() is None, (folder / "out.log").read_text() + _tail(folder / "error.log")
            yield
        finally:
            process.terminate()
            try:
                process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(120)


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-2000:] if path.exists() else ""


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2)
    except httpx.TransportError:
        return False
    return True
