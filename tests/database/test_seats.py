"""Seats and invitations on record: what counts, what is over, and what only one gets."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from storefront_mcp.calls.scopes import holds
from storefront_mcp.calls.seats import Invitation, Seat
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.seats import DatabaseSeats

PICKLE, PADDLE = StoreId("pickle"), StoreId("paddle")
NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def seat(digest: bytes = b"1", *, store: StoreId = PICKLE, key: str | None = "abc") -> Seat:
    scopes = frozenset({"manage:phases", "manage:audit"})
    return Seat(digest=digest, store=store, by="Ada", scopes=scopes, key=key, began_at=NOW, expires_at=NOW + HOUR)


def invitation(digest: bytes = b"9") -> Invitation:
    return Invitation(digest=digest, store=PICKLE, by="ada", expires_at=NOW + HOUR)


@pytest.fixture
def seats(database: Database) -> DatabaseSeats:
    return DatabaseSeats(database)


def test_a_seat_counts_in_its_store_until_it_is_over(seats: DatabaseSeats) -> None:
    seats.take(seat())
    assert seats.find(b"1", PICKLE, NOW) == seat()
    assert seats.find(b"1", PADDLE, NOW) is None
    assert seats.find(b"2", PICKLE, NOW) is None
    assert seats.find(b"1", PICKLE, NOW + HOUR) is None
    seats.leave(b"1")
    assert seats.find(b"1", PICKLE, NOW) is None


@pytest.mark.parametrize("key", ["abc", None])
def test_a_seat_may_what_it_says(key: str | None) -> None:
    caller = seat(key=key).caller
    assert holds(caller, "manage:audit")
    assert not holds(caller, "manage:workspace")
    assert caller.identifier == ("key:abc" if key else "token:console:Ada")


def test_an_invitation_is_accepted_once_whoever_comes_at_the_same_moment(seats: DatabaseSeats) -> None:
    seats.invite(invitation())
    assert seats.accept(b"9", PADDLE, NOW) is None
    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(lambda _: seats.accept(b"9", PICKLE, NOW), range(4)))
    assert [one for one in accepted if one is not None] == [invitation()]


def test_an_invitation_does_not_wait_for_ever(seats: DatabaseSeats) -> None:
    seats.invite(invitation())
    assert seats.accept(b"9", PICKLE, NOW + HOUR) is None


def test_the_console_is_in_use_while_there_is_a_seat_or_an_invitation(seats: DatabaseSeats) -> None:
    assert not seats.in_use(PICKLE, NOW)
    seats.invite(invitation())
    assert seats.in_use(PICKLE, NOW)
    assert not seats.in_use(PADDLE, NOW)
    assert seats.accept(b"9", PICKLE, NOW) is not None
    seats.take(seat())
    assert seats.in_use(PICKLE, NOW)
    assert not seats.in_use(PICKLE, NOW + HOUR)


def test_clearing_ends_everything_of_one_store(seats: DatabaseSeats) -> None:
    seats.take(seat())
    seats.take(seat(b"2", store=PADDLE))
    seats.invite(invitation())
    assert seats.clear(PICKLE) == 2
    assert not seats.in_use(PICKLE, NOW)
    assert seats.find(b"2", PADDLE, NOW) is not None
