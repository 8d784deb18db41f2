"""What a sign-in gives and raises shows no secret, and tells a person what to do."""

import pytest

from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    SessionOver,
    ShopSession,
    SignInError,
    TooManyTries,
    WrongCredentials,
)


def test_a_session_shows_neither_its_secret_nor_the_person() -> None:
    session = ShopSession(
        secret="JWT.SECRET.VALUE", customer_id="4", name="Ada Lovelace", email="ada@pickle.example", expires_at=3600.0
    )

    assert repr(session) == f"{session}" == "ShopSession(expires_at=3600.0)"


def test_a_wanted_code_does_not_show_what_comes_back_with_it() -> None:
    assert "SECRET" not in repr(CodeNeeded(refused=True, state="SECRET"))


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "in 1 seconds"), (90, "in 90 seconds"), (121, "in 3 minutes"), (900, "in 15 minutes")]
)
def test_a_person_is_told_how_long_to_wait(seconds: int, told: str) -> None:
    refused = TooManyTries(retry_after=seconds)

    assert told in str(refused)
    assert refused.retry_after >= 1


@pytest.mark.parametrize("error", [WrongCredentials, AccountNotConfirmed, SessionOver])
def test_what_the_log_is_told_is_not_what_the_person_is_told(error: type[SignInError]) -> None:
    refused = error(internal="POST /auth/token: 401 for the log")  # type: ignore[call-arg]

    assert refused.internal == "POST /auth/token: 401 for the log"
    assert "POST" not in str(refused)
    assert str(refused).endswith(".")
