"""Shared secrets: created once, by whichever worker is first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from storefront_mcp.database import Database


def test_a_key_is_made_once_and_kept(opened: Callable[[], Database]) -> None:
    first = opened().shared_secret("request state")
    assert len(first) == 32
    assert opened().shared_secret("request state") == first


def test_each_name_has_a_key_of_its_own(database: Database) -> None:
    assert database.shared_secret("one") != database.shared_secret("other")


def test_workers_that_start_at_once_agree(opened: Callable[[], Database]) -> None:
    databases = [opened() for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as workers:
        keys = set(workers.map(lambda database: database.shared_secret("request state"), databases))
    assert len(keys) == 1
