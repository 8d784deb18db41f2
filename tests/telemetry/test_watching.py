"""Which request work is done for."""

import re

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.calls.watching import ERRAND, Errand, looked_at, request_id


class Noting:
    """A look that writes down what it sees."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def became(self, outcome: str) -> None:
        self.seen.append(outcome)

    def refused(self, code: int) -> None:
        self.seen.append(str(code))

    def ended(self) -> None:
        self.seen.append("ended")


def test_a_decent_id_is_kept() -> None:
    assert Errand([(b"x-request-id", b"01J:abc/def+9=._-")]).id == "01J:abc/def+9=._-"


def test_an_id_is_made_once_and_only_when_asked_for() -> None:
    errand, other = Errand([]), Errand([])
    assert re.fullmatch("[0-9a-f]{16}", errand.id)
    assert errand.id == errand.id != other.id


@given(st.binary(max_size=80))
def test_whatever_is_sent_the_id_can_stand_in_a_log_and_a_header(sent: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.:/+=-]{1,64}", Errand([(b"x-request-id", sent)]).id)


def test_of_two_ids_neither_counts() -> None:
    assert Errand([(b"x-request-id", b"one"), (b"x-request-id", b"two")]).id not in {"one", "two"}


def test_what_we_do_on_our_own_account_has_no_id() -> None:
    token = ERRAND.set(None)
    assert request_id() == ""
    ERRAND.set(Errand([(b"x-request-id", b"one")]))
    assert request_id() == "one"
    ERRAND.reset(token)


async def test_a_failure_is_told_by_its_name_and_goes_on() -> None:
    async def fails() -> None:
        raise KeyError

    async def works() -> int:
        return 7

    look = Noting()
    assert await looked_at(works(), look) == 7
    with pytest.raises(KeyError):
        await looked_at(fails(), look)
    assert look.seen == ["KeyError"]
