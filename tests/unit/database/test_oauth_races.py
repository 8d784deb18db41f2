"""Processes of one person that share a refresh token, as agents of today do: nobody is signed out."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
from cryptography.fernet import Fernet

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.database import Database, FieldEncryption
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.oauth.tokens import new_tokens
from storefront_mcp.records.oauth import GrantRecord, IssuedTokens
from tests.unit.database.oauth_samples import GRACE, HOUR, NOW, code, exchange, grant, pending, refresh

PROCESSES = 8
ROUNDS = 100
PATIENCE = 600.0


def _tokens(granted: GrantRecord) -> IssuedTokens:
    return new_tokens(granted, granted.scopes, now=NOW, lifetime=HOUR)


def _refresh_token(answer: bytes) -> str:
    return answer.decode().split('"refresh_token":"')[1].split('"')[0]


def _refresh_at_once(where: str, key: str, token: str, barrier: Barrier, said: Any) -> None:
    """Refresh what the last round gave, together with all others; the tokens of all rounds."""
    database = Database(where)
    record, seen = SqlOAuthRepository(database, FieldEncryption([key])), []
    try:
        for number in range(ROUNDS):
            barrier.wait(PATIENCE)
            answer = record.rotate_refresh(refresh(token), _tokens, now=NOW + number, grace=GRACE)
            token = _refresh_token(answer)
            seen.append(token)
        said.put(seen)
    except BaseException as error:
        barrier.abort()
        said.put(repr(error))
        raise
    finally:
        database.close()


@pytest.mark.slow
def test_eight_processes_that_refresh_one_token_at_once_all_get_the_same_next_one(where: str) -> None:
    key = Fernet.generate_key().decode()
    database = Database(where)
    record = SqlOAuthRepository(database, FieldEncryption([key]))
    record.open_request(pending())
    assert record.create_grant_with_code(grant(), code(), request=pending().digest, session=b"{}")
    token = _refresh_token(record.redeem_code(exchange("code"), _tokens, now=NOW))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unit.database.test_oauth_races"])
    barrier, said = context.Barrier(PROCESSES), context.SimpleQueue()
    started = [
        context.Process(target=_refresh_at_once, args=(where, key, token, barrier, said)) for _ in range(PROCESSES)
    ]
    for process in started:
        process.start()
    chains = [said.get() for _ in started]
    for process in started:
        process.join(PATIENCE)
    assert [process.exitcode for process in started] == [0] * PROCESSES, chains
    assert all(chain == chains[0] for chain in chains)
    assert len(set(chains[0])) == ROUNDS
    found = record.find_token(secret_digest(chains[0][-1]))
    assert found is not None
    assert found.is_valid(NOW + ROUNDS)
    database.close()
