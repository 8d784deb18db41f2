"""Shop through mcpo, which serves tools as an HTTP API.   argv: URL"""

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from steps import Json, answer, shop, tell

PATIENCE = 60.0


def fetched(url: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of a GET, or of a POST of `body`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def main(url: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [Path(sys.executable).with_name("mcpo"), "--host", "127.0.0.1", "--port", str(port)]
    served = f"http://127.0.0.1:{port}"
    with subprocess.Popen([*program, "--server-type", "streamable-http", "--", url], stdout=sys.stderr) as mcpo:
        try:
            deadline = time.monotonic() + PATIENCE
            while not listens(port):
                assert mcpo.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)

            async def call(tool: str, **arguments: object) -> Json:
                status, told = fetched(f"{served}/{tool}", arguments)
                if status == 200:
                    return {"value": told}
                return answer(json.dumps(told), refused=True)

            paths = fetched(f"{served}/openapi.json")[1]["paths"]
            tell(None, [path.removeprefix("/") for path in paths], asyncio.run(shop(call)))
        finally:
            mcpo.terminate()


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


main(*sys.argv[1:])
