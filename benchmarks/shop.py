"""A shop that costs nothing: nginx with one page of products, on the load's core."""

import contextlib
import http.client
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.answer import shop_page
from benchmarks.machine import cores, pinned
from benchmarks.servers import BUILD, OK, PATIENCE, free_port

CONFIGURATION: Final = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    open_file_cache max=10;
    server {{
        listen 127.0.0.1:{port};
        location = /api/rest/v2/products {{ default_type application/ld+json; alias {folder}/products.json; }}
    }}
}}
"""


@contextlib.contextmanager
def shop() -> Iterator[str]:
    """Its origin, for as long as it is needed."""
    folder: Path = (BUILD / "shop").resolve()
    folder.mkdir(exist_ok=True)
    port = free_port()
    (folder / "products.json").write_bytes(shop_page())
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port), encoding="utf-8")
    command = pinned(cores()[1], ["nginx", "-e", str(folder / "error.log"), "-c", str(configuration)])
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        _until_open(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/api/rest/v2/products")
            if connection.getresponse().status == OK:
                return
        time.sleep(0.01)
    message = "nginx did not start"
    raise RuntimeError(message)
