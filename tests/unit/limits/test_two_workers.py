"""Two workers behind one port are one server: what is refused by one of them is refused by the other."""

import asyncio
import contextlib
import ipaddress
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.external.clients.programs import Program, ran, running, settings_of
from tests.external.clients.test_servers_end_and_share import only
from tests.serving import PATIENCE, free_port, until
from tests.unit.limits.conftest import CountingServer

pytestmark = [
    pytest.mark.clients,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the worker processes in /proc"),
]
SOON = 60.0
"""Seconds from an event on one worker to its effect on the other, on a busy machine."""
LIMITS = 'guest = "1/h burst 4"\nprincipal = "1/h burst 40"\nfailed = "1/h burst 3"\naddress = "1/h burst 200"\n'
GUEST, STRANGER, HONEST = "203.0.113.7", "198.51.100.8", "192.0.2.9"
"""Each client has an address of its own, which a trusted proxy tells."""
NONSENSE = "sfm_nobody"


@pytest.fixture(scope="module")
def maho(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `storefront-mcp demo-shop`."""
    port = free_port()
    with running("demo-shop", "--port", str(port), port=port, cwd=tmp_path_factory.mktemp("maho")):
        yield f"http://127.0.0.1:{port}"


class Served:
    """Two workers, each of which can be asked alone."""

    def __init__(self, server: Program, origin: str, folder: Path) -> None:
        self.server = server
        self.folder = folder
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=origin, limits=limits, timeout=PATIENCE)
        self._strangers = map(str, ipaddress.ip_network("198.18.0.0/15").hosts())
        # One that stands still before it has started would be replaced.
        until(lambda: server.output.count("Application startup complete") == 2, "two workers")
        self.workers = server.workers
        for worker in self.workers:
            with self.alone(worker):
                until(self._greets, "the worker to answer")

    def alone(self, worker: int) -> contextlib.AbstractContextManager[None]:
        """Let one of the workers answer everything."""
        return only(worker, self.workers, self.folder / "storefront.db")

    def _greets(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self.send("GET", "/healthz").status_code == 200
        return False

    def send(
        self, verb: str, path: str, *, token: str | None = None, address: str = HONEST, **more: Any
    ) -> httpx.Response:
        """One request on a connection of its own."""
        headers: Mapping[str, str] = {"x-forwarded-for": address} | (
            {} if token is None else {"authorization": f"Bearer {token}"}
        )
        return self._client.request(verb, path, headers=headers, **more)

    def listed(self, token: str, *, address: str = HONEST) -> int:
        return self.send("GET", "/mcp/token", token=token, address=address).status_code

    def void(self, *tokens: str) -> bool:
        """Whether none of these opens anything, asked from addresses that have done nothing wrong before."""
        return all(self.listed(token, address=next(self._strangers)) == 401 for token in tokens)

    def call(self, address: str, token: str | None = None) -> str:
        """How a tool call ends: `ok`, or the refusal's first words."""
        params = {"name": "list_categories", "arguments": {}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = self.send("POST", "/mcp", token=token, address=address, json=message)
        assert answer.status_code == 200, answer.text
        result = answer.json()["result"]
        return str(result["content"][0]["text"][:8]) if result["isError"] else "ok"

    def close(self) -> None:
        self._client.close()

    def mint(self) -> tuple[str, str]:
        """A key that may manage keys: its text and its id."""
        scope = ("--label", "two workers", "--scope", "manage:api_keys", "--json")
        made = json.loads(ran("keys", "mint", *scope, cwd=self.folder))
        return made["token"], made["id"]


@contextlib.contextmanager
def two(shop: str, folder: Path, store: str | None) -> Iterator[Served]:
    """`storefront-mcp serve` with two workers before a Maho store."""
    port = free_port()
    file = settings_of(port, shop=shop, folder=folder)
    shared = "" if store is None else f'limits_store = "{store}"\n'
    file.write_text(f"{shared}{file.read_text('utf-8')}\n[store.limits]\n{LIMITS}", encoding="utf-8")
    ran("phases", "open", "p1_browse", cwd=folder)
    with (
        running("serve", "--workers", "2", port=port, cwd=folder) as server,
        contextlib.closing(Served(server, f"http://127.0.0.1:{port}", folder)) as served,
    ):
        yield served


def ends_soon(condition: Any, since: float, what: str) -> None:
    """Within a second, whatever else the machine does: the last look begins before it is over."""
    while not condition():
        assert time.monotonic() - since < SOON, f"not within {SOON} s: {what}"


def holds_on_the_other(served: Served) -> None:
    """Revocation and rotation, each seen by the worker that was not asked."""
    first, second = served.workers
    (doomed, id_), (rotated, _), (master, _) = (served.mint() for _ in range(3))
    for worker in (first, second):
        with served.alone(worker):
            assert [served.listed(token) for token in (doomed, rotated, master)] == [200] * 3
    with served.alone(first):
        assert served.send("DELETE", f"/mcp/token/{id_}", token=master).status_code == 200
        revoked = time.monotonic()
    with served.alone(second):
        ends_soon(lambda: served.void(doomed), revoked, "the revocation")
        assert served.listed(rotated) == 200
    ran("keys", "rotate", "--yes", cwd=served.folder)
    moved = time.monotonic()
    for worker in (second, first):
        with served.alone(worker):
            ends_soon(lambda: served.void(rotated, master), moved, "the rotation")
    assert served.server.workers == served.workers, "a worker died and was replaced"


async def test_what_one_worker_refuses_the_other_refuses_too(
    maho: str, tmp_path: Path, counting: CountingServer
) -> None:
    def story() -> None:
        with two(maho, tmp_path, counting.url) as served:
            assert "counts limits for itself" not in served.server.output
            holds_on_the_other(served)
            first, second = served.workers
            token, _ = served.mint()
            with served.alone(first):
                assert [served.call(GUEST) for _ in range(5)] == ["ok"] * 4 + ["Too many"]
                assert [served.listed(NONSENSE, address=STRANGER) for _ in range(4)] == [401] * 3 + [429]
                spent = [served.call(HONEST, token) for _ in range(41)]
                assert spent == ["ok"] * 40 + ["Too many"]
            with served.alone(second):
                assert served.call(GUEST) == "Too many"
                assert served.call("203.0.113.8") == "ok", "the next address has a bucket of its own"
                assert served.listed(token, address=STRANGER) == 429
                assert served.listed(token) == 200, "wrong credentials of others lock nobody out"
                assert served.call(HONEST, token) == "Too many"

    await asyncio.to_thread(story)


async def test_without_a_shared_store_the_start_says_what_each_worker_counts_for_itself(
    maho: str, tmp_path: Path
) -> None:
    def story() -> None:
        with two(maho, tmp_path, None) as served:
            assert "Each of the 2 workers counts limits for itself" in served.server.output
            assert "limits_store" in served.server.output
            holds_on_the_other(served)
            first, second = served.workers
            with served.alone(first):
                assert [served.call(GUEST) for _ in range(5)][-1] == "Too many"
            with served.alone(second):
                assert served.call(GUEST) == "ok"

    await asyncio.to_thread(story)
