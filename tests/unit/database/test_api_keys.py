"""API keys in SQL: stored as hashes, revoked for good."""

import datetime as dt
from collections.abc import Callable

import pytest

from storefront_mcp.access.credentials import IssuedKey, NoSuchKey
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.identity.api_key_format import mint_key

PICKLE, JAR = StoreId("pickle"), StoreId("jar")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def minted(store: StoreId = PICKLE, *, at: dt.datetime = NOW) -> IssuedKey:
    return mint_key(store=store, label="till", scopes=frozenset({"read:orders", "read:sites"}), by="ada", now=at)


@pytest.fixture
def keys(database: Database) -> SqlApiKeyRepository:
    return SqlApiKeyRepository(database, now=lambda: NOW)


def test_what_is_written_is_read_again(keys: SqlApiKeyRepository) -> None:
    new = minted()
    assert keys.add(new.key, new.digest) == new.key
    found = keys.find(new.key.id)
    assert found is not None
    assert found.key == new.key
    assert found.digest == new.digest
    assert found.status_at(NOW) == "valid"
    assert found.status_at(NOW + dt.timedelta(days=365)) == "expired"
    assert keys.find("nobody") is None
    assert repr(new.digest) not in repr(found)


def test_keys_are_listed_by_store_oldest_first(keys: SqlApiKeyRepository) -> None:
    later, sooner = minted(at=NOW + dt.timedelta(hours=1)), minted()
    for new in (later, sooner, minted(JAR)):
        keys.add(new.key, new.digest)
    assert [one.key.id for one in keys.list(PICKLE)] == [sooner.key.id, later.key.id]
    assert len(keys.list()) == 3


def test_revoking_twice_is_revoking_once(database: Database, keys: SqlApiKeyRepository) -> None:
    new = minted()
    keys.add(new.key, new.digest)
    assert keys.revoke(PICKLE, new.key.id).revoked_at == NOW
    later = SqlApiKeyRepository(database, now=lambda: NOW + dt.timedelta(hours=1))
    assert later.revoke(PICKLE, new.key.id).revoked_at == NOW
    found = keys.find(new.key.id)
    assert found is not None
    assert found.status_at(NOW) == "revoked"


def test_a_store_cannot_revoke_what_is_not_its_own(keys: SqlApiKeyRepository) -> None:
    new = minted(JAR)
    keys.add(new.key, new.digest)
    with pytest.raises(NoSuchKey, match=new.key.id):
        keys.revoke(PICKLE, new.key.id)
    found = keys.find(new.key.id)
    assert found is not None
    assert found.status_at(NOW) == "valid"


@pytest.mark.parametrize("id_", ["", "\0", "a\0b", "x" * 10_000, "\ufffe"])
def test_what_can_be_no_id_is_of_no_key(keys: SqlApiKeyRepository, id_: str) -> None:
    with pytest.raises(NoSuchKey):
        keys.revoke(PICKLE, id_)


def test_rotating_counts_on(keys: SqlApiKeyRepository, opened: Callable[[], Database]) -> None:
    before = minted()
    keys.add(before.key, before.digest)
    assert [keys.rotate(PICKLE), SqlApiKeyRepository(opened()).rotate(PICKLE), keys.rotate(JAR)] == [1, 2, 1]
    after = minted()
    assert keys.add(after.key, after.digest).epoch == 2
    assert [one.status_at(NOW) for one in keys.list(PICKLE) if one.key.id == before.key.id] == ["rotated"]
    assert [one.status_at(NOW) for one in keys.list(PICKLE) if one.key.id == after.key.id] == ["valid"]
