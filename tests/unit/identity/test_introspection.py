"""Opaque tokens, each shown to its issuer (RFC 7662)."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from storefront_mcp.access.credentials import CredentialCheckUnavailable, CredentialRefused, Secret
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.identity.access_tokens import (
    ANSWER_CACHE_SIZE,
    ANSWER_TTL_SECONDS,
    FAILURE_BACKOFF_SECONDS,
    IntrospectionVerifier,
)
from storefront_mcp.identity.claims import IntrospectionConfig, TokenPolicy
from storefront_mcp.identity.issuer_client import IssuerClient
from tests.unit.identity.conftest import Clock
from tests.unit.identity.issuer import RESOURCE, Issuer

pytestmark = pytest.mark.slow


@pytest.fixture
async def tokens(issuer: Issuer, clock: Clock) -> AsyncIterator[IntrospectionVerifier]:
    client = IssuerClient(total=20.0)
    terms = TokenPolicy(issuer=issuer.url, resource=RESOURCE, store=StoreId("pickle"))
    there = IntrospectionConfig(endpoint=f"{issuer.origin}/introspect", client_id="us & them", secret=Secret("s:e c"))
    tokens = IntrospectionVerifier(terms, there, client, now=clock.now, clock=clock.monotonic)
    yield tokens
    await tokens.close()
    await client.close()


def active(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    return {"active": True} | issuer.claims(**changes)


async def test_the_issuer_says_who_holds_a_token(tokens: IntrospectionVerifier, issuer: Issuer) -> None:
    issuer.word = active(issuer, iss=None)
    caller = await tokens.caller("opaque")
    assert caller.principal == f"{issuer.url} customer-7"
    assert caller.scopes == {"read:orders"}
    assert issuer.forms == [{"token": ["opaque"], "token_type_hint": ["access_token"]}]
    sent = (issuer.authorizations[-1] or "").removeprefix("Basic ")
    assert base64.b64decode(sent) == b"us+%26+them:s%3Ae+c"


@pytest.mark.parametrize("word", [{}, {"active": False}, {"active": "true"}, {"active": 1}])
async def test_a_token_that_is_not_active_is_refused(tokens: IntrospectionVerifier, issuer: Issuer, word: Any) -> None:
    issuer.word = issuer.claims() | word
    with pytest.raises(CredentialRefused, match="unknown to its issuer"):
        await tokens.caller("opaque")


@pytest.mark.parametrize("wrong", [{"iss": "https://other.example"}, {"aud": "https://other.example"}, {"exp": 1}])
async def test_an_active_token_must_still_be_for_us(
    tokens: IntrospectionVerifier, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    issuer.word = active(issuer, **wrong)
    with pytest.raises(CredentialRefused):
        await tokens.caller("opaque")


async def test_a_word_counts_for_seconds_only(tokens: IntrospectionVerifier, issuer: Issuer, clock: Clock) -> None:
    issuer.word = active(issuer)
    for _ in range(5):
        await tokens.caller("opaque")
    assert len(issuer.asked) == 1
    issuer.word = {"active": False}
    clock.tick(ANSWER_TTL_SECONDS)
    with pytest.raises(CredentialRefused):
        await tokens.caller("opaque")


@pytest.fixture
def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.identity.access_tokens.ANSWER_CACHE_SIZE", 3)


@pytest.mark.usefixtures("small_cache")
async def test_memory_is_bounded_and_holds_no_token(tokens: IntrospectionVerifier, issuer: Issuer) -> None:
    issuer.word = active(issuer)
    for number in range(5):
        await tokens.caller(f"opaque-{number}")
    assert len(tokens._answers) == 3 < ANSWER_CACHE_SIZE
    assert b"opaque" not in b"".join(tokens._answers)


async def test_during_an_outage_nobody_is_let_in_and_the_issuer_gets_its_breath(
    tokens: IntrospectionVerifier, issuer: Issuer, clock: Clock
) -> None:
    issuer.down = True
    for _ in range(10):
        with pytest.raises(CredentialCheckUnavailable) as silent:
            await tokens.caller("opaque")
        assert silent.value.retry_after == FAILURE_BACKOFF_SECONDS
        assert "opaque" not in str(silent.value) + silent.value.internal
    assert len(issuer.asked) == 1
    issuer.down, issuer.word = False, active(issuer)
    clock.tick(FAILURE_BACKOFF_SECONDS)
    assert (await tokens.caller("opaque")).kind == "token"


async def test_a_token_that_its_issuer_chokes_on_stops_nobody_else(
    tokens: IntrospectionVerifier, issuer: Issuer, clock: Clock
) -> None:
    issuer.down, issuer.down_with = True, 400
    with pytest.raises(CredentialCheckUnavailable):
        await tokens.caller("garbled")
    issuer.down, issuer.word = False, active(issuer)
    assert (await tokens.caller("opaque")).kind == "token"


@pytest.mark.parametrize("wrong", [{"sub": "a\x1b[2Jb"}, {"sub": "a\nb", "client_id": "a\u202eb"}])
async def test_names_that_would_play_tricks_on_a_terminal_are_no_names(
    tokens: IntrospectionVerifier, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    issuer.word = active(issuer, **wrong)
    try:
        caller = await tokens.caller("opaque")
    except CredentialRefused:
        return
    assert (caller.principal + caller.client).isprintable()


async def test_many_tokens_at_once_take_turns(tokens: IntrospectionVerifier, issuer: Issuer) -> None:
    issuer.word = active(issuer)
    callers = await asyncio.gather(*(tokens.caller(f"opaque-{number}") for number in range(20)))
    assert {caller.kind for caller in callers} == {"token"}
    assert len(issuer.asked) == 20


async def test_answers_that_are_no_object_are_an_outage(tokens: IntrospectionVerifier, issuer: Issuer) -> None:
    issuer.word = ["active"]  # type: ignore[assignment]
    with pytest.raises(CredentialCheckUnavailable):
        await tokens.caller("opaque")
