"""A key opens the door of its own store, until it is expired, revoked or rotated."""

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from storefront_mcp.access.credentials import CredentialRefused, IssuedKey
from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.identity.api_key_verifier import KEY_TTL_SECONDS, ApiKeyVerifier
from storefront_mcp.identity.store_verifier import MAX_TOKEN_CHARS, StoreTokenVerifier
from tests.unit.identity.conftest import Clock
from tests.unit.identity.issuer import RESOURCE, Issuer

PICKLE, JAR = StoreId("pickle"), StoreId("jar")


@pytest.fixture
async def callers(record: SqlApiKeyRepository, clock: Clock) -> AsyncIterator[ApiKeyVerifier]:
    callers = ApiKeyVerifier(PICKLE, record, now=clock.now, clock=clock.monotonic)
    yield callers
    await callers.close()


def new(record: SqlApiKeyRepository, clock: Clock, store: StoreId = PICKLE) -> tuple[str, IssuedKey]:
    minted = mint_key(store=store, label="till", scopes=frozenset({"read:orders"}), by="ada", now=clock.now())
    record.add(minted.key, minted.digest)
    return minted.secret.reveal(), minted


async def refusal(callers: ApiKeyVerifier, text: str) -> str:
    with pytest.raises(CredentialRefused) as refused:
        await callers.caller(text)
    return str(refused.value)


async def test_a_key_says_who_calls(callers: ApiKeyVerifier, record: SqlApiKeyRepository, clock: Clock) -> None:
    text, minted = new(record, clock)
    caller = await callers.caller(text)
    assert (caller.kind, caller.principal, caller.client) == ("key", minted.key.id, "till")
    assert caller.identifier == f"key:{minted.key.id}"
    assert caller.scopes == {"read:orders"}
    assert caller.store == PICKLE
    assert caller.expires_at == minted.key.expires_at
    assert text not in repr(caller)


async def test_a_key_of_another_store_is_unknown_here(
    callers: ApiKeyVerifier, record: SqlApiKeyRepository, clock: Clock
) -> None:
    text, _ = new(record, clock, JAR)
    assert await refusal(callers, text) == "This API key is unknown here."


async def test_a_known_id_with_another_secret_is_unknown(
    callers: ApiKeyVerifier, record: SqlApiKeyRepository, clock: Clock
) -> None:
    _, minted = new(record, clock)
    # The same id, another secret: what a leaked list of ids would give.
    raw = iter([b"\x00" * 8, b"\x01" * 32])
    twin = mint_key(
        store=PICKLE, label="", scopes=frozenset(), by="", now=clock.now(), random=lambda _: next(raw)
    ).secret.reveal()
    record.add(
        mint_key(
            store=PICKLE, label="", scopes=frozenset(), by="", now=clock.now(), random=lambda length: b"\x00" * length
        ).key,
        secret_digest("another"),
    )
    assert await refusal(callers, twin) == "This API key is unknown here."
    assert minted.key.id not in twin


async def test_an_unknown_and_a_misspelt_key_are_refused(callers: ApiKeyVerifier, clock: Clock) -> None:
    unknown = mint_key(store=PICKLE, label="", scopes=frozenset(), by="", now=clock.now()).secret.reveal()
    assert await refusal(callers, unknown) == "This API key is unknown here."
    assert "cut off or mistyped" in await refusal(callers, unknown[:-1])


async def test_an_expired_key_is_refused(callers: ApiKeyVerifier, record: SqlApiKeyRepository, clock: Clock) -> None:
    text, _ = new(record, clock)
    await callers.caller(text)
    clock.tick(dt.timedelta(days=365).total_seconds())
    assert await refusal(callers, text) == "This API key is expired."


async def test_a_revocation_is_seen_by_other_workers_within_a_second(
    callers: ApiKeyVerifier, record: SqlApiKeyRepository, opened: Callable[[], Database], clock: Clock
) -> None:
    text, minted = new(record, clock)
    await callers.caller(text)
    SqlApiKeyRepository(opened(), now=clock.now).revoke(PICKLE, minted.key.id)
    assert KEY_TTL_SECONDS < 1
    clock.tick(KEY_TTL_SECONDS)
    assert await refusal(callers, text) == "This API key is revoked."


async def test_rotating_voids_every_key_of_a_store_and_no_other(
    callers: ApiKeyVerifier, record: SqlApiKeyRepository, opened: Callable[[], Database], clock: Clock
) -> None:
    texts = [new(record, clock)[0] for _ in range(3)]
    elsewhere, _ = new(record, clock, JAR)
    for text in texts:
        await callers.caller(text)
    assert SqlApiKeyRepository(opened(), now=clock.now).rotate(PICKLE) == 1
    clock.tick(KEY_TTL_SECONDS)
    for text in texts:
        assert await refusal(callers, text) == "This API key is revoked."
    after, _ = new(record, clock)
    assert (await callers.caller(after)).kind == "key"
    others = ApiKeyVerifier(JAR, record, now=clock.now)
    assert (await others.caller(elsewhere)).kind == "key"
    await others.close()


async def test_the_record_is_asked_once_per_half_second(
    record: SqlApiKeyRepository, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = new(record, clock)
    asked: list[str] = []
    find = record.find
    monkeypatch.setattr(record, "find", lambda id_: (asked.append(id_), find(id_))[1])
    callers = ApiKeyVerifier(PICKLE, record, now=clock.now, clock=clock.monotonic)
    for _ in range(10):
        await callers.caller(text)
    assert len(asked) == 1
    clock.tick(KEY_TTL_SECONDS)
    await asyncio.gather(*(callers.caller(text) for _ in range(10)))
    assert len(asked) == 2
    await callers.close()


@pytest.fixture
def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.identity.api_key_verifier.KEY_CACHE_SIZE", 3)


@pytest.mark.usefixtures("small_cache")
async def test_memory_is_bounded(callers: ApiKeyVerifier, record: SqlApiKeyRepository, clock: Clock) -> None:
    for _ in range(6):
        unknown = mint_key(store=PICKLE, label="", scopes=frozenset(), by="", now=clock.now()).secret.reveal()
        await refusal(callers, unknown)
        await callers.caller(new(record, clock)[0])
    assert len(callers._stored) == 3
    assert len(callers._used) == 3


async def test_use_is_noted_once_a_minute(callers: ApiKeyVerifier, record: SqlApiKeyRepository, clock: Clock) -> None:
    text, minted = new(record, clock)

    async def used() -> dt.datetime | None:
        await callers.caller(text)
        await callers.close()
        found = record.find(minted.key.id)
        assert found is not None
        return found.key.last_used_at

    first = clock.now()
    assert await used() == first
    clock.tick(59)
    assert await used() == first
    clock.tick(1)
    assert await used() == first + dt.timedelta(seconds=60)


async def test_a_use_that_cannot_be_written_down_harms_nobody(
    callers: ApiKeyVerifier,
    record: SqlApiKeyRepository,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    text, _ = new(record, clock)

    def full(_id: str, _at: dt.datetime) -> None:
        message = "the disk is full"
        raise OSError(message)

    monkeypatch.setattr(record, "note_use", full)
    with caplog.at_level(logging.ERROR):
        assert (await callers.caller(text)).kind == "key"
        await callers.close()
    assert "could not be written down" in caplog.text


def test_the_database_holds_no_key(record: SqlApiKeyRepository, clock: Clock, tmp_path: Path) -> None:
    text, minted = new(record, clock)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert minted.key.id.encode() in written
    assert text.split("_")[2][:16].encode() not in written


# Bearers: keys and tokens at one door -------------------------------------------------------------------------------


async def test_keys_and_tokens_are_told_apart(record: SqlApiKeyRepository, clock: Clock, issuer: Issuer) -> None:
    bearers = StoreTokenVerifier(store=PICKLE, resource=RESOURCE, keys=record, issuer=issuer.url, now=clock.now)
    assert (await bearers.caller(new(record, clock)[0])).kind == "key"
    assert (await bearers.caller(issuer.token())).kind == "token"
    with pytest.raises(CredentialRefused, match="longer than any"):
        await bearers.caller("x" * (MAX_TOKEN_CHARS + 1))
    await bearers.close()


async def test_without_an_issuer_only_keys_count(record: SqlApiKeyRepository, clock: Clock, issuer: Issuer) -> None:
    bearers = StoreTokenVerifier(store=PICKLE, resource=RESOURCE, keys=record, now=clock.now)
    with pytest.raises(CredentialRefused, match="Only API keys"):
        await bearers.caller(issuer.token())
    assert issuer.asked == []
    await bearers.close()
