"""Changes of catalogues on record: numbered without gaps in time, the newest for each name, and not for ever."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_changes import KEEP_SECONDS, SqlCatalogueChanges
from storefront_mcp.records.catalogue_changes import EVERYTHING, MAX_NAME_CHARS

PICKLE, BRINE = StoreId("pickle"), StoreId("brine")
NOW = 1_800_000_000.0


@pytest.fixture
def changes(database: Database) -> SqlCatalogueChanges:
    return SqlCatalogueChanges(database)


def names(changes: SqlCatalogueChanges, after: int = 0, store: StoreId | None = None) -> list[str]:
    return [one.name for one in changes.list_after(after, store=store, limit=10_000)]


def test_changes_are_read_on_from_where_one_was(changes: SqlCatalogueChanges, opened: Callable[[], Database]) -> None:
    assert changes.last() == 0
    changes.append(PICKLE, ["PAD-1", "PAD-2", "PAD-1"], now=NOW)
    seen = changes.last()
    changes.append(BRINE, [EVERYTHING], now=NOW + 1)
    changes.append(PICKLE, ["NET-1"], now=NOW + 2)

    elsewhere = SqlCatalogueChanges(opened())

    assert names(elsewhere) == ["PAD-1", "PAD-2", EVERYTHING, "NET-1"]
    assert names(elsewhere, seen) == [EVERYTHING, "NET-1"]
    assert names(elsewhere, seen, PICKLE) == ["NET-1"]
    assert [(one.store, one.at) for one in elsewhere.list_after(seen, limit=1)] == [(BRINE, NOW + 1)]
    assert names(elsewhere, elsewhere.last()) == []


def test_what_changes_again_is_told_again_and_kept_once(changes: SqlCatalogueChanges) -> None:
    for turn in range(5):
        changes.append(PICKLE, ["PAD-1", "PAD-2"], now=NOW + turn)

    assert len(names(changes)) <= 4
    assert names(changes, changes.last() - 2) == ["PAD-1", "PAD-2"]


def test_old_changes_go_and_numbers_never_begin_anew(changes: SqlCatalogueChanges) -> None:
    changes.append(PICKLE, ["PAD-1"], now=NOW)
    seen = changes.last()

    changes.append(PICKLE, ["PAD-2"], now=NOW + KEEP_SECONDS + 1)
    changes.append(PICKLE, ["PAD-3"], now=NOW + KEEP_SECONDS + 2)

    assert changes.last() == seen + 2
    assert names(changes) == ["PAD-2", "PAD-3"]


def test_nothing_and_names_that_are_none_tell_nothing(changes: SqlCatalogueChanges) -> None:
    changes.append(PICKLE, ["x" * (MAX_NAME_CHARS + 1)], now=NOW)
    changes.append(PICKLE, [], now=NOW)

    assert changes.last() == 0


def test_a_storm_from_several_at_once_loses_none(changes: SqlCatalogueChanges) -> None:
    batches = [[f"PAD-{number}-{batch}" for number in range(700)] for batch in range(4)]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda batch: changes.append(PICKLE, batch, now=NOW), batches))

    assert set(names(changes)) == {name for batch in batches for name in batch}
    assert changes.last() == 2800
