"""An agent that signs its requests may ask more often than one that does not, wherever it asks from."""

import contextlib
import datetime as dt
import itertools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.app import create_app, planned_roadmap
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.settings import Settings
from tests.serving import served, until
from tests.unit.identity.signing import Directory, new_key, signed

pytestmark = pytest.mark.slow

HOST = "pickle.localhost"
KEY = new_key()
SETTINGS = """
[[store]]
id = "pickle"
origin = "http://{host}"
name = "Pickle"
currency = "AUD"
upstream = {{ kind = "demo" }}
limits = {{ address = "1/h burst 4", guest = "1/h burst 2" }}
signatures = {{ on = {on}, agents = ["{agent}"], wider = 5 }}
"""


class Shopper:
    """Asks one shop, from whichever address, signed or not."""

    def __init__(self, origin: str, agent: str) -> None:
        self._url, self._agent = f"{origin}/mcp", agent
        self._nonces = map(str, itertools.count())

    def signature(self) -> dict[str, str]:
        now = dt.datetime.now(dt.UTC)
        return signed(KEY, agent=self._agent, now=now, url=f"http://{HOST}/mcp", nonce=next(self._nonces))

    def _post(self, address: str, fields: dict[str, str], method: str, **params: Any) -> httpx.Response:
        headers = {"host": HOST, "x-forwarded-for": address, **fields}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx.post(self._url, json=message, headers=headers, timeout=120)

    def lists(self, address: str, fields: dict[str, str] | None = None) -> bool:
        """Whether a request passes."""
        status = self._post(address, fields or {}, "tools/list").status_code
        assert status in {200, 429}
        return status == 200

    def searches(self, address: str, fields: dict[str, str] | None = None) -> bool:
        """Whether a tool call passes."""
        answer = self._post(address, fields or {}, "tools/call", name="list_categories", arguments={})
        assert answer.status_code == 200
        return not answer.json()["result"].get("isError", False)


@pytest.fixture
def directory() -> Iterator[Directory]:
    directory = Directory(KEY)
    yield directory
    directory.close()


@contextlib.contextmanager
def shop(folder: Path, directory: Directory, *, on: bool) -> Iterator[Shopper]:
    path = folder / "storefront.toml"
    path.write_text(SETTINGS.format(host=HOST, on=str(on).lower(), agent=directory.origin))
    settings = Settings.load(path, {})
    flags = SqlFlipRepository(Database(settings.database))
    (store,) = settings.stores
    flags.flip(planned_roadmap(store), store.id, {"p1_browse": "active"}, by="tests")
    flags.close()
    before = logging.getLogRecordFactory()
    with served(create_app(settings)) as origin:
        yield Shopper(origin, directory.origin)
    logging.setLogRecordFactory(before)


def test_an_agent_that_signs_has_a_wider_bucket_of_its_own(tmp_path: Path, directory: Directory) -> None:
    busy, second, third = "203.0.113.7", "198.51.100.8", "192.0.2.9"
    with shop(tmp_path, directory, on=True) as shopper:
        assert [shopper.lists(busy) for _ in range(5)] == [True] * 4 + [False]
        until(lambda: shopper.lists(busy, shopper.signature()), "the agent's keys")
        once = shopper.signature()
        assert [shopper.lists(busy, once) for _ in range(2)] == [True, False], "the second is a replay"
        calls = [shopper.searches(address, shopper.signature()) for address in (second, third) * 6]
        assert calls == [True] * 10 + [False] * 2, "five times 2, from wherever it calls"
        assert [shopper.lists(third, shopper.signature()) for _ in range(7)] == [True] * 6 + [False], "five times 4"
        assert [shopper.searches(second) for _ in range(3)] == [True] * 2 + [False], "as anybody from there"
        assert not shopper.lists(busy)
    assert len(directory.asked) == 1


def test_signatures_are_nothing_special_where_they_are_off(tmp_path: Path, directory: Directory) -> None:
    with shop(tmp_path, directory, on=False) as shopper:
        assert [shopper.lists("203.0.113.7", shopper.signature()) for _ in range(5)] == [True] * 4 + [False]
    assert directory.asked == []


def test_signed_requests_count_as_unsigned_while_the_directory_is_down(tmp_path: Path, directory: Directory) -> None:
    directory.down = True
    with shop(tmp_path, directory, on=True) as shopper:
        assert shopper.lists("203.0.113.7", shopper.signature())
        until(lambda: directory.asked, "the question")
        assert [shopper.lists("203.0.113.7", shopper.signature()) for _ in range(4)] == [True] * 3 + [False]
    assert len(directory.asked) == 1
