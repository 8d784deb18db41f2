"""Keys that every worker shares: made once, whoever asks first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from storefront_mcp.database import Database
from storefront_mcp.database.keys import shared_key


def test_a_key_is_made_once_and_kept(opened: Callable[[], Database]) -> None:
    first = shared_key(opened(), "request state")
    assert len(first) == 32
    assert shared_key(opened(), "request state") == first


def test_each_name_has_a_key_of_its_own(database: Database) -> None:
    assert shared_key(database, "one") != shared_key(database, "other")


def test_workers_that_start_at_once_agree(opened: Callable[[], Database]) -> None:
    databases = [opened() for _ in range(4)]
    with ThreadPoolExecutor(len(databases)) as workers:
        keys = set(workers.map(lambda database: shared_key(database, "request state"), databases))
    assert len(keys) == 1
