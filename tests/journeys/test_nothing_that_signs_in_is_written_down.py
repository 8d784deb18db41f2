"""Whoever reads logs, audit or database finds nothing with which somebody could sign in, or act for who did."""

import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from litestar.types import Receive, Scope, Send
from msgspec.structs import replace

from storefront_mcp.database import Database, FieldEncryption
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.oauth.shop_sessions import decode_session, encode_session
from storefront_mcp.oauth.tokens import grant_of_token
from storefront_mcp.telemetry.logs import QUIET_LOGGERS
from tests.fakes.person import Person
from tests.journeys.signing_in import VERIFIER, TwoWorkers, two_workers
from tests.unit.telemetry.collector import collecting

ADA, BO, CY = PICKLERS
WRONG = "white-vinegar-7"


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    with two_workers(tmp_path) as running:
        yield running
        await running.http.aclose()


def bytes_below(folder: Path) -> bytes:
    """All that a folder's files hold."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def make_due(workers: TwoWorkers, *grants: str) -> None:
    """Have the next call of each grant renew its session at the shop."""
    database = Database(workers.settings.database)
    keys = [key.reveal() for key in workers.settings.personal_data.key]
    records, now = SqlOAuthRepository(database, FieldEncryption(keys)), time.time()
    for grant in grants:
        held = records.lease_shop_session(grant, now=now, seconds=60.0)
        assert held is not None
        session = replace(decode_session(held.session), renew_at=now)
        assert records.write_shop_session(
            grant, fence=held.fence, session=encode_session(session), until=session.expires_at
        )
    database.close()


async def everything_signs_in(workers: TwoWorkers) -> set[str]:
    """People sign in, rightly and wrongly, and their agents come with what they got; the secrets that were about."""
    async with Person(ADA.email, WRONG) as ada:
        refused = await ada.send(await ada.browser.get(await workers.address()))
        assert refused.status_code == 403
        assert WRONG not in refused.text
    async with Person(ADA.email, ADA.password) as ada, Person(BO.email, BO.password, code=BO.second_factor) as bo:
        tokens = [await workers.token(ada), await workers.token(bo)]
    shop_tokens = set(workers.shop.state.customers._tokens)
    renewed = await workers.exchange(grant_type="refresh_token", refresh_token=tokens[0]["refresh_token"])
    for token in (*tokens, renewed):
        assert await workers.statuses(token["access_token"]) == [200, 200]
    # The shop's tokens too are replaced by calls that come when they are half over.
    make_due(workers, *(grant_of_token(token["access_token"]) for token in tokens))
    for token in tokens:
        assert await workers.statuses(token["access_token"]) == [200, 200]
    renewed_at_shop = set(workers.shop.state.customers._tokens)
    await workers.exchange(grant_type="refresh_token", refresh_token="sfr_" + "x" * 61)
    planted = {
        *(WRONG, ADA.password, BO.password, str(BO.second_factor), VERIFIER, ADA.email, BO.email),
        *(token[kind].rpartition("_")[2] for token in (*tokens, renewed) for kind in ("access_token", "refresh_token")),
        *(code.rpartition("_")[2] for code in workers.codes),
        *shop_tokens,
        *renewed_at_shop,
    }
    assert len(planted) == 7 + 6 + 2 + 2 + 2
    return planted


@pytest.mark.slow
async def test_neither_passwords_nor_tokens_nor_addresses_are_in_logs_audit_traces_and_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in QUIET_LOGGERS:
        # A server that was started before in this process has quieted them.
        caplog.set_level(logging.DEBUG, logger=name)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with two_workers(tmp_path) as workers:
            planted = await everything_signs_in(workers)
            await workers.http.aclose()

    assert len(caplog.records) > 50
    stored, told = bytes_below(tmp_path), b"".join(collector.bodies)
    assert b"grant.created" in stored, "the audit is in what was read"
    names = {one.name for one in collector.spans}
    assert "tools/call get_customer_orders" in names
    assert any(name.startswith("GET /customers/") for name in names), "and what was asked of the shop"
    assert collector.metrics
    for secret in planted:
        assert secret not in caplog.text
        assert secret.encode() not in stored
        assert secret.encode() not in told


@pytest.mark.slow
async def test_no_token_of_ours_ever_reaches_the_shop(workers: TwoWorkers) -> None:
    said, behind = bytearray(), workers.shop.app

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope["headers"]:
            said.extend(name + b": " + value + b"\n")

        async def heard() -> Any:
            event = await receive()
            said.extend(event.get("body", b""))
            return event

        said.extend(scope["query_string"])
        await behind(scope, heard, send)

    workers.shop.app = listening
    async with Person(ADA.email, ADA.password) as ada:
        token = await workers.token(ada)
    assert await workers.statuses(token["access_token"]) == [200, 200]

    assert ADA.password.encode() in said, "the sign-in was heard"
    assert b"authorization: Bearer" in said
    for ours in (token["access_token"], token["refresh_token"], workers.codes[-1]):
        assert ours.rpartition("_")[2].encode() not in said
