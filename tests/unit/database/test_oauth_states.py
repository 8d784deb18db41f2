"""Codes and refresh tokens as a state machine: in whatever order, by two workers, on both databases."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from msgspec import Struct
from sqlalchemy import func, select

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.database import Database
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.database.tables.oauth import OAUTH_TOKENS
from storefront_mcp.records.oauth import ExchangeRefused, IssuedCode
from tests.unit.database.oauth_samples import (
    CHALLENGE,
    GRACE,
    HOUR,
    MONTH,
    NOW,
    PICKLE,
    REDIRECT,
    SHOP,
    exchange,
    grant,
    pending,
    refresh,
    repository,
    tokens,
)

WORKERS = st.integers(0, 1)
NUMBERS = itertools.count(1)


class ModelGrant(Struct):
    """A grant as it should be."""

    id: str
    subject: str
    began: float
    ended: bool = False

    def is_live(self, now: float) -> bool:
        return not self.ended and now < self.began + MONTH


class ModelCode(Struct):
    """A code as it should be."""

    text: str
    grant: ModelGrant
    expires: float
    used: bool = False


class ModelToken(Struct):
    """A refresh token and the access token beside it, as they should be."""

    refresh: str
    access: str
    grant: ModelGrant
    issued: float
    used: float | None = None
    answer: bytes = b""


class GrantMachine(RuleBasedStateMachine):
    """Two workers at one database, and a model of what they may say."""

    codes = Bundle("codes")
    held = Bundle("held")

    def __init__(self, workers: list[SqlOAuthRepository], database: Database) -> None:
        super().__init__()
        self.workers = workers
        self.database = database
        self.now = NOW
        self.issued: list[ModelToken] = []

    @initialize(target=held, worker=WORKERS)
    def begin(self, worker: int) -> Any:
        """One permission was given and used."""
        return self.redeem_now(self.allow_now(worker), worker)

    @rule(target=held, worker=WORKERS)
    def sign_in(self, worker: int) -> Any:
        """A person gives a permission, and the client uses it at once."""
        return self.redeem_now(self.allow_now(worker), worker)

    @rule(target=codes, worker=WORKERS)
    def allow(self, worker: int) -> ModelCode:
        """A person gives a permission."""
        return self.allow_now(worker)

    @rule(target=held, code=codes, worker=WORKERS)
    def redeem(self, code: ModelCode, worker: int) -> Any:
        """A client brings a code, for the first time or again."""
        return self.redeem_now(code, worker)

    @rule(target=held, token=held, worker=WORKERS)
    def renew(self, token: ModelToken, worker: int) -> Any:
        """A client brings a refresh token, for the first time or again."""
        return self.renew_now(token, worker)

    @rule(target=held, token=held, seconds=st.sampled_from([0, GRACE - 1, GRACE, GRACE + 1]))
    def renew_twice(self, token: ModelToken, seconds: float) -> Any:
        """Two processes bring one token, the second to another worker and some time later."""
        first = self.renew_now(token, 0)
        self.now += seconds
        self.renew_now(token, 1)
        return first

    def allow_now(self, worker: int) -> ModelCode:
        number = next(NUMBERS)
        made = ModelGrant(id=f"grant-{number}", subject=f"subject-{number}", began=self.now)
        code = ModelCode(text=f"code-{number}", grant=made, expires=self.now + 60)
        request = pending(f"request-{number}", expires_at=self.now + 600)
        self.workers[worker].open_request(request)
        stored = IssuedCode(
            digest=secret_digest(code.text), redirect_uri=REDIRECT, challenge=CHALLENGE, expires_at=code.expires
        )
        new = grant(made.id, subject=made.subject, created_at=self.now, expires_at=self.now + MONTH)
        assert self.workers[worker].create_grant_with_code(new, stored, request=request.digest, session=SHOP)
        return code

    def redeem_now(self, code: ModelCode, worker: int) -> Any:
        good = code.grant.is_live(self.now) and not code.used and self.now < code.expires
        replayed = code.used and not code.grant.ended
        answer = self.ask(lambda: self.workers[worker].redeem_code(exchange(code.text), tokens(self.now), now=self.now))
        assert (answer is not None) is good
        code.used |= good
        code.grant.ended |= replayed
        return multiple() if answer is None else self.token(answer, code.grant)

    def renew_now(self, token: ModelToken, worker: int) -> Any:
        live = token.grant.is_live(self.now)
        in_grace = token.used is not None and self.now < token.used + GRACE
        answer = self.ask(
            lambda: self.workers[worker].rotate_refresh(
                refresh(token.refresh), tokens(self.now), now=self.now, grace=GRACE
            )
        )
        assert (answer is not None) is (live and (token.used is None or in_grace))
        if answer is None:
            token.grant.ended |= live
            return multiple()
        if token.used is not None:
            assert answer == token.answer
            return multiple()
        token.used, token.answer = self.now, answer
        return self.token(answer, token.grant)

    @rule(token=consumes(held), worker=WORKERS, how=st.sampled_from(["client", "person", "password"]))
    def end(self, token: ModelToken, worker: int, how: str) -> None:
        """The client, the person or a changed password end a grant."""
        record, live = self.workers[worker], not token.grant.ended
        if how == "client":
            ended = int(record.revoke(PICKLE, secret_digest(token.refresh), grant().client_id, now=self.now))
        elif how == "person":
            ended = record.end_grants(PICKLE, "person", now=self.now, grant=token.grant.id)
        else:
            ended = record.raise_epoch(PICKLE, token.grant.subject, why="password", now=self.now)
        assert ended == live
        token.grant.ended = True

    @rule(seconds=st.sampled_from([1, 30, GRACE - 1, GRACE, GRACE + 1, 1, 30, HOUR, MONTH / 2]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @invariant()
    def a_token_counts_exactly_while_its_grant_lives(self) -> None:
        for token in self.issued[-6:]:
            found = self.workers[0].find_token(secret_digest(token.access))
            counts = found is not None and found.is_valid(self.now)
            assert counts is (token.grant.is_live(self.now) and self.now < token.issued + HOUR)

    @invariant()
    def a_grant_has_one_unused_refresh_token_at_most(self) -> None:
        unused = (
            select(func.count())
            .where(OAUTH_TOKENS.c.kind == "refresh", OAUTH_TOKENS.c.used_at.is_(None))
            .group_by(OAUTH_TOKENS.c.grant)
        )
        with self.database.reading() as connection:
            assert set(connection.execute(unused).scalars()) <= {1}

    def token(self, answer: bytes, owner: ModelGrant) -> ModelToken:
        access, renewal = answer.decode().split()
        new = ModelToken(refresh=renewal, access=access, grant=owner, issued=self.now)
        self.issued.append(new)
        return new

    def ask(self, call: Callable[[], bytes]) -> bytes | None:
        try:
            return call()
        except ExchangeRefused:
            return None


@pytest.mark.slow
def test_one_success_per_code_and_one_head_per_family_in_whatever_order(opened: Callable[[], Database]) -> None:
    one, two = opened(), opened()
    workers = [repository(one), repository(two)]
    machine: Any = lambda: GrantMachine(workers, one)  # noqa: E731 -- Hypothesis wants a class, and calls it
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=30, deadline=None))
