"""Shared secrets: created once, by whichever worker is first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from storefront_mcp.database import Database
from storefront_mcp.database.shared_secrets import get_shared_secret


def test_a_key_is_made_once_and_kept(opened: Callable[[], Database]) -> None:
    first = get_shared_secret(opened(), "request state")
    assert len(first) == 32
    assert get_shared_secret(opened(), "request state") == first


def test_each_name_has_a_key_of_its_own(database: Database) -> None:
    assert get_shared_secret(database, "one") != get_shared_secret(database, "other")


def test_workers_that_start_at_once_agree(opened: Callable[[], Database]) -> None:
    databases = [opened() for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as workers:
        keys = set(workers.map(lambda database: get_shared_secret(database, "request state"), databases))
    assert len(keys) == 1
