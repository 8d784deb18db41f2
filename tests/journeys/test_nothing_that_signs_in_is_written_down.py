"""Whoever reads logs, audit or database finds nothing with which somebody could sign in, or act for who did."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.telemetry.logs import QUIET_LOGGERS
from tests.fakes.person import Person
from tests.journeys.signing_in import VERIFIER, TwoWorkers, two_workers

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


@pytest.mark.slow
async def test_neither_passwords_nor_tokens_nor_addresses_are_in_logs_audit_and_database(
    workers: TwoWorkers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in QUIET_LOGGERS:
        # A server that was started before in this process has quieted them.
        caplog.set_level(logging.DEBUG, logger=name)
    shop_tokens = set[str]()
    async with Person(ADA.email, WRONG) as ada:
        refused = await ada.send(await ada.browser.get(await workers.address()))
        assert refused.status_code == 403
        assert WRONG not in refused.text
    async with Person(ADA.email, ADA.password) as ada, Person(BO.email, BO.password, code=BO.second_factor) as bo:
        tokens = [await workers.token(ada), await workers.token(bo)]
    shop_tokens |= set(workers.shop.state.customers._tokens)
    renewed = await workers.exchange(grant_type="refresh_token", refresh_token=tokens[0]["refresh_token"])
    for token in (*tokens, renewed):
        assert await workers.statuses(token["access_token"]) == [200, 200]
    await workers.exchange(grant_type="refresh_token", refresh_token="sfr_" + "x" * 61)

    planted = {
        *(WRONG, ADA.password, BO.password, str(BO.second_factor), VERIFIER, ADA.email, BO.email),
        *(token[kind].rpartition("_")[2] for token in (*tokens, renewed) for kind in ("access_token", "refresh_token")),
        *(code.rpartition("_")[2] for code in workers.codes),
        *shop_tokens,
    }
    assert len(planted) == 7 + 6 + 2 + 2
    assert len(caplog.records) > 50
    stored = bytes_below(tmp_path)
    assert b"grant.created" in stored, "the audit is in what was read"
    for secret in planted:
        assert secret not in caplog.text
        assert secret.encode() not in stored
