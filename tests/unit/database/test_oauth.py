"""The record of sign-ins in SQL: what counts once, what ends what, and what is never readable."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.database import Database, oauth_ending
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.database.oauth_rows import EncryptionMissing
from storefront_mcp.database.tables import METADATA
from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestContext
from storefront_mcp.records.oauth import ClientRecord, ExchangeRefused
from tests.unit.database.oauth_samples import (
    CLIENT,
    GRACE,
    HOUR,
    MONTH,
    NOW,
    PADDLE,
    PICKLE,
    SHOP,
    code as issued_code,
    exchange,
    grant,
    granted,
    pending,
    refresh,
    repository,
    tokens,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def record(database: Database) -> SqlOAuthRepository:
    return repository(database)


def redeemed(record: SqlOAuthRepository, id_: str = "grant", now: float = NOW) -> tuple[str, str]:
    """Access and refresh token of a new grant."""
    granted(record, id_)
    access, renewal = record.redeem_code(exchange(f"code-{id_}"), tokens(now), now=now).decode().split()
    return access, renewal


def is_valid(record: SqlOAuthRepository, token: str, now: float = NOW) -> bool:
    found = record.find_token(secret_digest(token))
    return found is not None and found.is_valid(now)


def test_a_pending_request_is_found_by_its_handle_in_its_store_until_it_expires(record: SqlOAuthRepository) -> None:
    record.open_request(pending(customer=b"who", subject="subject-4"))
    digest = pending().digest
    assert record.request(PICKLE, digest, now=NOW) == pending(customer=b"who", subject="subject-4")
    assert record.request(PADDLE, digest, now=NOW) is None
    assert record.request(PICKLE, b"other", now=NOW) is None
    assert record.request(PICKLE, digest, now=NOW + 600) is None


def test_a_pending_request_moves_on_and_ends_once(record: SqlOAuthRepository) -> None:
    record.open_request(pending())
    moved = pending(step="consent", browser=b"other", customer=b"who", subject="subject-4")
    assert record.update_request(moved)
    assert [record.count_try(moved.digest) for _ in range(3)] == [1, 2, 3]
    found = record.request(PICKLE, moved.digest, now=NOW)
    assert found is not None
    assert (found.step, found.browser, found.customer, found.tries) == ("consent", b"other", b"who", 3)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: record.end_request(moved.digest), range(4))) == [False, False, False, True]
    assert not record.update_request(moved)
    assert record.count_try(moved.digest) == 0


def test_a_person_may_sign_in_without_an_agent_that_asks(record: SqlOAuthRepository) -> None:
    alone = pending(request=None, step="agents", customer=b"who it is", subject="subject")
    record.open_request(alone)

    assert record.request(PICKLE, alone.digest, now=NOW) == alone


def test_one_permission_makes_one_grant_however_often_the_form_is_sent(record: SqlOAuthRepository) -> None:
    record.open_request(pending())

    def allow(number: int) -> bool:
        new = grant(f"grant-{number}")
        return record.create_grant_with_code(new, issued_code(f"code-{number}"), request=pending().digest, session=SHOP)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(allow, range(4))) == [False, False, False, True]
    assert len(record.grants(PICKLE)) == 1


def test_a_code_gives_tokens_once_and_its_second_use_ends_the_grant(record: SqlOAuthRepository) -> None:
    access, renewal = redeemed(record)
    assert is_valid(record, access)
    with pytest.raises(ExchangeRefused, match="used before"):
        record.redeem_code(exchange(), tokens(), now=NOW)
    assert not is_valid(record, access)
    with pytest.raises(ExchangeRefused):
        record.rotate_refresh(refresh(renewal), tokens(), now=NOW, grace=GRACE)
    assert record.grants(PICKLE)[0].ended_why == "replayed"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"store": PADDLE}, "invalid_grant"),
        ({"client_id": "https://other.example/c"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:4712/callback"}, "invalid_grant"),
        ({"challenge": "x" * 43}, "invalid_grant"),
        ({"resource": "https://paddle.example/mcp"}, "invalid_target"),
        ({"digest": b"unknown"}, "invalid_grant"),
    ],
)
def test_a_code_counts_only_with_all_that_it_was_issued_for_and_is_not_used_up_otherwise(
    record: SqlOAuthRepository, changes: dict[str, Any], refusal: str
) -> None:
    granted(record)
    with pytest.raises(ExchangeRefused) as refused:
        record.redeem_code(exchange(**changes), tokens(), now=NOW)
    assert refused.value.code == refusal
    assert record.redeem_code(exchange(resource=None), tokens(), now=NOW)


def test_a_code_expires(record: SqlOAuthRepository) -> None:
    granted(record)
    with pytest.raises(ExchangeRefused, match="expired"):
        record.redeem_code(exchange(), tokens(), now=NOW + 60)


def test_a_refresh_token_gives_the_same_answer_within_the_grace_and_ends_the_grant_after_it(
    record: SqlOAuthRepository,
) -> None:
    _, renewal = redeemed(record)
    answer = record.rotate_refresh(refresh(renewal), tokens(), now=NOW + 10, grace=GRACE)
    assert record.rotate_refresh(refresh(renewal), tokens(), now=NOW + 69, grace=GRACE) == answer
    access, following = answer.decode().split()
    assert is_valid(record, access)
    with pytest.raises(ExchangeRefused, match="used before"):
        record.rotate_refresh(refresh(renewal), tokens(), now=NOW + 70, grace=GRACE)
    assert not is_valid(record, access)
    with pytest.raises(ExchangeRefused):
        record.rotate_refresh(refresh(following), tokens(), now=NOW + 70, grace=GRACE)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"store": PADDLE}, "invalid_grant"),
        ({"client_id": "https://other.example/c"}, "invalid_grant"),
        ({"resource": "https://paddle.example/mcp"}, "invalid_target"),
        ({"digest": b"unknown"}, "invalid_grant"),
    ],
)
def test_a_refresh_token_counts_only_for_whom_it_was_issued_to(
    record: SqlOAuthRepository, changes: dict[str, Any], refusal: str
) -> None:
    access, renewal = redeemed(record)
    with pytest.raises(ExchangeRefused) as refused:
        record.rotate_refresh(refresh(renewal, **changes), tokens(), now=NOW, grace=GRACE)
    assert refused.value.code == refusal
    with pytest.raises(ExchangeRefused, match="not known"):
        record.rotate_refresh(refresh(access), tokens(), now=NOW, grace=GRACE)
    assert record.rotate_refresh(refresh(renewal), tokens(), now=NOW, grace=GRACE)


def test_many_workers_that_refresh_at_once_get_one_answer(
    opened: Callable[[], Database], record: SqlOAuthRepository
) -> None:
    _, renewal = redeemed(record)
    workers = [record, repository(opened())]

    def rotate(number: int) -> bytes:
        return workers[number % 2].rotate_refresh(refresh(renewal), tokens(), now=NOW + 5, grace=GRACE)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(rotate, range(16)))) == 1


def test_many_workers_that_bring_one_code_get_tokens_once(
    opened: Callable[[], Database], record: SqlOAuthRepository
) -> None:
    granted(record)
    workers = [record, repository(opened())]

    def redeem(number: int) -> bytes | None:
        try:
            return workers[number % 2].redeem_code(exchange(), tokens(), now=NOW)
        except ExchangeRefused:
            return None

    with ThreadPoolExecutor(8) as pool:
        assert len([one for one in pool.map(redeem, range(8)) if one is not None]) == 1


@pytest.mark.parametrize(
    ("later", "valid"), [(HOUR - 1, True), (HOUR, False)], ids=["within the hour", "after the hour"]
)
def test_an_access_token_lives_an_hour(record: SqlOAuthRepository, later: float, *, valid: bool) -> None:
    access, _ = redeemed(record)
    assert is_valid(record, access, NOW + later) is valid


def test_no_token_outlives_its_grant_or_the_shop_session(record: SqlOAuthRepository) -> None:
    _, renewal = redeemed(record)
    late = NOW + MONTH - 5
    access, following = record.rotate_refresh(refresh(renewal), tokens(late), now=late, grace=GRACE).decode().split()
    assert is_valid(record, access, late)
    assert not is_valid(record, access, NOW + MONTH)
    with pytest.raises(ExchangeRefused, match="has ended"):
        record.rotate_refresh(refresh(following), tokens(), now=NOW + MONTH, grace=GRACE)
    granted(record, "short", shop_until=NOW + 100)
    short = record.redeem_code(exchange("code-short"), tokens(), now=NOW).decode().split()[0]
    assert is_valid(record, short, NOW + 99)
    assert not is_valid(record, short, NOW + 100)


def test_a_raised_epoch_voids_all_of_one_customer_and_of_nobody_else(record: SqlOAuthRepository) -> None:
    mine, _ = redeemed(record, "mine")
    granted(record, "other", subject="subject-5", mailbox="mailbox-5")
    other = record.redeem_code(exchange("code-other"), tokens(), now=NOW).decode().split()[0]
    record.open_request(pending("waiting", subject="subject-4"))
    record.open_request(pending("stranger", subject="subject-5"))
    assert record.raise_epoch(PICKLE, "subject-4", why="password", now=NOW) == 1
    assert not is_valid(record, mine)
    assert is_valid(record, other)
    assert record.request(PICKLE, pending("waiting").digest, now=NOW) is None
    assert record.request(PICKLE, pending("stranger").digest, now=NOW) is not None
    again, _ = redeemed(record, "again")
    assert is_valid(record, again)
    assert record.raise_epoch(PICKLE, mailbox="mailbox-4", why="password", now=NOW) == 1
    assert not is_valid(record, again)
    assert record.raise_epoch(PICKLE, mailbox="mailbox-of-nobody", why="password", now=NOW) == 0
    assert is_valid(record, other)
    assert record.raise_epoch(PICKLE, why="operator", now=NOW) == 1
    assert not is_valid(record, other)
    new, _ = redeemed(record, "new")
    assert is_valid(record, new)


def test_grants_end_by_the_client_the_person_and_the_operator(record: SqlOAuthRepository) -> None:
    one, renewal = redeemed(record, "one")
    assert not record.revoke(PICKLE, secret_digest(renewal), "https://other.example/c", now=NOW)
    assert not record.revoke(PADDLE, secret_digest(renewal), CLIENT, now=NOW)
    assert is_valid(record, one)
    assert record.revoke(PICKLE, secret_digest(renewal), CLIENT, now=NOW)
    assert not is_valid(record, one)
    assert not record.revoke(PICKLE, secret_digest(renewal), CLIENT, now=NOW)
    two, _ = redeemed(record, "two")
    three, _ = redeemed(record, "three")
    assert record.end_grants(PADDLE, "operator", now=NOW) == 0
    assert record.end_grants(PICKLE, "person", now=NOW, grant="two") == 1
    assert (is_valid(record, two), is_valid(record, three)) == (False, True)
    assert record.end_grants(PICKLE, "operator", now=NOW, subject="subject-4", by="ada") == 1
    assert {one.id: one.ended_why for one in record.grants(PICKLE)} == {
        "one": "client",
        "two": "person",
        "three": "operator",
    }


def test_a_blocked_client_loses_its_grants_and_stays_blocked(record: SqlOAuthRepository) -> None:
    access, _ = redeemed(record)
    document = ClientRecord(store=PICKLE, id=CLIENT, kind="document", document=b"{}", fetched_at=NOW, fresh_until=NOW)
    record.put_client(document)
    assert record.find_client(PICKLE, CLIENT) == document
    assert record.find_client(PADDLE, CLIENT) is None
    assert record.block_client(PICKLE, CLIENT, "document", now=NOW, by="ada") == 1
    assert not is_valid(record, access)
    record.put_client(document)
    found = record.find_client(PICKLE, CLIENT)
    assert found is not None
    assert found.blocked_at == NOW
    assert record.blocked_clients(PICKLE) == [found]
    assert record.blocked_clients(PADDLE) == []


def test_a_client_that_is_let_in_again_has_none_of_its_grants(record: SqlOAuthRepository, database: Database) -> None:
    access, _ = redeemed(record)
    assert not record.unblock_client(PICKLE, CLIENT, by="ada")
    record.block_client(PICKLE, CLIENT, "document", now=NOW, by="ada")
    assert not record.unblock_client(PADDLE, CLIENT, by="ada")
    assert record.unblock_client(PICKLE, CLIENT, by="bo")
    assert record.blocked_clients(PICKLE) == []
    assert not is_valid(record, access)
    told = [(one.entry.what, one.entry.subject, one.entry.who.id) for one in AuditLog(database).read(store=PICKLE)]
    assert [one for one in told if one[0].startswith("client.")] == [
        ("client.blocked", CLIENT, "ada"),
        ("client.unblocked", CLIENT, "bo"),
    ]


def test_a_shop_session_is_renewed_by_one_at_a_time(record: SqlOAuthRepository) -> None:
    granted(record)
    with ThreadPoolExecutor(4) as pool:
        leases = list(pool.map(lambda _: record.lease_shop_session("grant", now=NOW, seconds=30), range(4)))
    (mine,) = [one for one in leases if one is not None]
    assert mine.session == SHOP
    late = record.lease_shop_session("grant", now=NOW + 30, seconds=30)
    assert late is not None
    assert not record.write_shop_session("grant", fence=mine.fence, session=b"old", until=None)
    assert record.write_shop_session("grant", fence=late.fence, session=b"new", until=NOW + 99)
    found = record.shop_session("grant")
    assert found is not None
    assert (found.session, found.until, found.lease_until) == (b"new", NOW + 99, 0.0)
    record.end_grants(PICKLE, "person", now=NOW)
    assert record.shop_session("grant") is None
    assert record.lease_shop_session("grant", now=NOW + 99, seconds=30) is None
    assert not record.write_shop_session("grant", fence=late.fence, session=b"newer", until=None)


def test_the_last_use_is_written_once_a_minute(record: SqlOAuthRepository) -> None:
    granted(record)
    for moment in (NOW + 1, NOW + 59, NOW + 61):
        record.note_use("grant", now=moment)
        used = record.grants(PICKLE)[0].last_used_at
        assert used is not None
        assert used == moment - moment % 60


def test_nothing_secret_is_readable_in_the_database(database: Database, record: SqlOAuthRepository) -> None:
    record.open_request(pending(customer=b"planted-customer"))
    access, renewal = redeemed(record)
    answer = record.rotate_refresh(refresh(renewal), tokens(), now=NOW, grace=GRACE)
    stored = b""
    with database.reading() as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(select(table)):
                stored += b"\n".join(
                    bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row
                )
    for secret in (b"planted-customer", b"planted-shop-token", answer, access.encode(), b"code-grant"):
        assert secret not in stored


def test_the_sweep_erases_secrets_and_keeps_what_is_listed(record: SqlOAuthRepository, database: Database) -> None:
    access, renewal = redeemed(record)
    record.rotate_refresh(refresh(renewal), tokens(), now=NOW, grace=GRACE)
    record.open_request(pending())
    record.sweep(now=NOW + 59)
    assert _count(database) == {"oauth_requests": 1, "oauth_codes": 1, "oauth_tokens": 4, "oauth_grants": 1}
    record.sweep(now=NOW + 86_400 + 60)
    assert _count(database) == {"oauth_requests": 0, "oauth_codes": 0, "oauth_tokens": 2, "oauth_grants": 1}
    record.sweep(now=NOW + MONTH)
    assert record.shop_session("grant") is None
    assert _count(database)["oauth_tokens"] == 0
    record.sweep(now=NOW + MONTH + 90 * 86_400)
    assert record.grants(PICKLE) == []
    assert not is_valid(record, access)


def _count(database: Database) -> dict[str, int]:
    names = ("oauth_requests", "oauth_codes", "oauth_tokens", "oauth_grants")
    with database.reading() as connection:
        return {name: len(connection.execute(select(METADATA.tables[name])).all()) for name in names}


def test_grants_and_their_ends_are_in_the_audit_without_the_person(
    record: SqlOAuthRepository, database: Database
) -> None:
    granted(record, customer="customer-4711")
    record.end_grants(PICKLE, "operator", now=NOW, by="ada")
    entries = [one.entry for one in AuditLog(database).read(store="pickle")]
    assert [(one.what, one.subject, one.who.kind, one.who.id) for one in entries] == [
        ("grant.created", "grant", "customer", "subject-4"),
        ("grant.ended", "grant", "operator", "ada"),
    ]
    assert "4711" not in repr(entries)


def test_without_a_key_nothing_is_signed_in_and_grants_can_still_be_ended(database: Database) -> None:
    granted(repository(database))
    keyless = SqlOAuthRepository(database, None)
    with pytest.raises(EncryptionMissing):
        keyless.shop_session("grant")
    keyless.open_request(pending("more"))
    with pytest.raises(EncryptionMissing):
        keyless.create_grant_with_code(grant("more"), issued_code(), request=pending("more").digest, session=SHOP)
    assert keyless.end_grants(PICKLE, "operator", now=NOW) == 1


@contextmanager
def asking_from(address: str) -> Iterator[None]:
    """Within a request of a client address."""
    token = REQUEST_CONTEXT.set(RequestContext(holder=address))
    try:
        yield
    finally:
        REQUEST_CONTEXT.reset(token)


def test_one_address_has_so_many_requests_and_none_that_is_pending_ends_for_another(
    record: SqlOAuthRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth_ending, "REQUESTS_PER_HOLDER", 5)
    with asking_from("198.51.100.7"):
        record.open_request(pending("person"))
    with asking_from("203.0.113.9"):
        opened = [record.open_request(pending(f"flood-{number}", expires_at=NOW + 600)) for number in range(12)]
        assert opened == [True] * 5 + [False] * 7
    left = [record.request(PICKLE, pending(f"flood-{number}").digest, now=NOW) for number in range(12)]
    assert [one is not None for one in left] == opened
    assert record.request(PICKLE, pending("person").digest, now=NOW) is not None
    with asking_from("203.0.113.9"):
        assert record.end_request(pending("flood-0").digest)
        assert record.open_request(pending("next"))


def test_when_all_requests_are_taken_another_waits_and_none_ends(
    record: SqlOAuthRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth_ending, "REQUESTS_IN_ALL", 3)
    for number in range(4):
        with asking_from(f"203.0.113.{number}"):
            assert record.open_request(pending(f"request-{number}")) is (number < 3)
    assert record.open_request(pending("of nobody known")), "whose address is unknown is bounded apart"
    record.sweep(now=NOW + 10)
    assert record.request(PICKLE, pending("request-0").digest, now=NOW) is not None


def test_an_address_is_known_to_whom_has_granted_something_there(record: SqlOAuthRepository) -> None:
    with asking_from("198.51.100.7"):
        granted(record, mailbox="mailbox-4")
        assert record.is_familiar(PICKLE, "mailbox-4")
        assert not record.is_familiar(PICKLE, "mailbox-5")
        assert not record.is_familiar(PADDLE, "mailbox-4")
    with asking_from("203.0.113.9"):
        assert not record.is_familiar(PICKLE, "mailbox-4")
    assert not record.is_familiar(PICKLE, "mailbox-4"), "nobody known"


def test_requests_and_documents_are_bounded_in_all(
    record: SqlOAuthRepository, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setattr(oauth_ending, "REQUESTS_IN_ALL", 3)
    monkeypatch.setattr(oauth_ending, "DOCUMENTS_IN_ALL", 3)
    for number in range(6):
        record.open_request(pending(f"request-{number}", expires_at=NOW + 600 + number))
        document = ClientRecord(store=PICKLE, id=f"c{number}", kind="document", document=b"{}", fetched_at=NOW + number)
        record.put_client(replace(document, fresh_until=NOW + 3600))
    record.block_client(PICKLE, "c0", "document", now=NOW, by="ada")
    record.sweep(now=NOW + 10)
    assert _count(database)["oauth_requests"] == 3
    assert record.request(PICKLE, pending("request-5").digest, now=NOW) is not None
    kept = {number for number in range(6) if record.find_client(PICKLE, f"c{number}") is not None}
    assert kept == {0, 3, 4, 5}


def test_the_sweep_ends_grants_whose_shop_session_died_long_ago(record: SqlOAuthRepository) -> None:
    granted(record, shop_until=NOW + 100)
    record.sweep(now=NOW + 399)
    assert record.shop_session("grant") is not None, "somebody may be renewing it"
    record.sweep(now=NOW + 400)
    assert record.shop_session("grant") is None
    (ended,) = record.grants(PICKLE)
    assert (ended.ended_at, ended.ended_why) == (NOW + 100, "shop")
