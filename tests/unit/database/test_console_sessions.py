"""Console sessions and login links in SQL."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from storefront_mcp.access.scopes import has_scope
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.console_sessions import SqlConsoleSessionRepository
from storefront_mcp.records.console_sessions import ConsoleSession, LoginLink

PICKLE, PADDLE = StoreId("pickle"), StoreId("paddle")
NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def session(digest: bytes = b"1", *, store: StoreId = PICKLE, key: str | None = "abc") -> ConsoleSession:
    scopes = frozenset({"manage:phases", "manage:audit"})
    return ConsoleSession(
        digest=digest, store=store, by="Ada", scopes=scopes, key=key, began_at=NOW, expires_at=NOW + HOUR
    )


def link(digest: bytes = b"9") -> LoginLink:
    return LoginLink(digest=digest, store=PICKLE, by="ada", expires_at=NOW + HOUR)


@pytest.fixture
def sessions(database: Database) -> SqlConsoleSessionRepository:
    return SqlConsoleSessionRepository(database)


def test_a_session_is_valid_in_its_store_until_it_expires(sessions: SqlConsoleSessionRepository) -> None:
    sessions.add_session(session())
    assert sessions.find_session(b"1", PICKLE, NOW) == session()
    assert sessions.find_session(b"1", PADDLE, NOW) is None
    assert sessions.find_session(b"2", PICKLE, NOW) is None
    assert sessions.find_session(b"1", PICKLE, NOW + HOUR) is None
    sessions.end_session(b"1")
    assert sessions.find_session(b"1", PICKLE, NOW) is None


@pytest.mark.parametrize("key", ["abc", None])
def test_a_session_has_its_scopes(key: str | None) -> None:
    caller = session(key=key).caller
    assert has_scope(caller, "manage:audit")
    assert not has_scope(caller, "manage:workspace")
    assert caller.identifier == ("key:abc" if key else "token:console:Ada")


def test_a_login_link_is_redeemed_once_however_many_try_at_once(sessions: SqlConsoleSessionRepository) -> None:
    sessions.add_link(link())
    assert sessions.redeem_link(b"9", PADDLE, NOW) is None
    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(lambda _: sessions.redeem_link(b"9", PICKLE, NOW), range(4)))
    assert [one for one in accepted if one is not None] == [link()]


def test_a_login_link_expires(sessions: SqlConsoleSessionRepository) -> None:
    sessions.add_link(link())
    assert sessions.redeem_link(b"9", PICKLE, NOW + HOUR) is None


def test_the_console_is_in_use_while_there_is_a_session_or_a_link(sessions: SqlConsoleSessionRepository) -> None:
    assert not sessions.has_sessions(PICKLE, NOW)
    sessions.add_link(link())
    assert sessions.has_sessions(PICKLE, NOW)
    assert not sessions.has_sessions(PADDLE, NOW)
    assert sessions.redeem_link(b"9", PICKLE, NOW) is not None
    sessions.add_session(session())
    assert sessions.has_sessions(PICKLE, NOW)
    assert not sessions.has_sessions(PICKLE, NOW + HOUR)


def test_clearing_ends_everything_of_one_store(sessions: SqlConsoleSessionRepository) -> None:
    sessions.add_session(session())
    sessions.add_session(session(b"2", store=PADDLE))
    sessions.add_link(link())
    assert sessions.end_all(PICKLE) == 2
    assert not sessions.has_sessions(PICKLE, NOW)
    assert sessions.find_session(b"2", PADDLE, NOW) is not None
