"""Who may hold how many streams for how long, when few or many want them."""

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.access.stream_quota import StreamPlace, StreamQuota


class Alarm:
    """A timer of a test's own."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        self.act = None


class Holders:
    """A quota with its timers, and whose streams were ended."""

    def __init__(self, at_most: int, per_caller: int) -> None:
        self.alarms: list[Alarm] = []
        self.ended: list[str] = []
        self.quota = StreamQuota(at_most=at_most, per_caller=per_caller, seconds=60.0, later=self._later)

    def _later(self, seconds: float, act: Callable[[], None]) -> Alarm:
        assert seconds == 60.0
        self.alarms.append(Alarm(act))
        return self.alarms[-1]

    def open(self, holder: str) -> StreamPlace | None:
        return self.quota.admit(holder, lambda: self.ended.append(holder))


def test_one_holder_has_a_bound_and_others_have_theirs() -> None:
    held = Holders(at_most=9, per_caller=2)
    assert [held.open(holder) is not None for holder in ("a", "a", "a", "b")] == [True, True, False, True]
    assert (held.quota.refusal.rule, held.quota.refusal.retry_after) == ("streams", 30)


def test_ten_addresses_that_take_everything_make_room_for_the_eleventh() -> None:
    held = Holders(at_most=50, per_caller=5)
    for number in range(10):
        for _ in range(5):
            assert held.open(f"attacker {number}")
    assert [held.open(f"shopper {number}") is not None for number in range(20)] == [True] * 20
    assert len(held.quota) == 50
    assert len(held.ended) == 20
    assert all(holder.startswith("attacker") for holder in held.ended)
    assert max(map(held.ended.count, held.ended)) == 2, "evenly"


def test_where_nobody_has_more_the_newcomer_waits() -> None:
    held = Holders(at_most=3, per_caller=3)
    assert all(held.open(holder) for holder in "abc")
    assert held.open("d") is None
    assert held.ended == []


def test_a_stream_lives_for_its_time_and_gives_its_place_back() -> None:
    held = Holders(at_most=1, per_caller=1)
    first = held.open("a")
    assert first is not None
    act = held.alarms[0].act
    assert act is not None
    act()
    assert held.ended == ["a"]
    assert held.open("b") is not None
    held.quota.leave(first)
    assert len(held.quota) == 1, "leaving twice takes nobody else's place"


def test_one_that_left_is_not_ended_later() -> None:
    held = Holders(at_most=1, per_caller=1)
    first = held.open("a")
    assert first is not None
    held.quota.leave(first)
    assert held.alarms[0].act is None
    assert len(held.quota) == 0


def test_clients_that_nobody_can_tell_apart_share_what_is_left() -> None:
    held = Holders(at_most=4, per_caller=1)
    assert [held.open("") is not None for _ in range(5)] == [True] * 4 + [False]
    assert held.open("a") is not None
    assert held.ended == [""]


@pytest.mark.parametrize("at_most", [1, 4])
@given(holders=st.lists(st.sampled_from(["", "a", "b", "c", "d"]), max_size=30))
def test_no_order_of_arrivals_passes_the_bounds(at_most: int, holders: list[str]) -> None:
    held = Holders(at_most=at_most, per_caller=2)
    places = [place for holder in holders if (place := held.open(holder))]
    assert len(held.quota) == len(places) - len(held.ended) <= at_most
    for place in places:
        held.quota.leave(place)
    assert len(held.quota) == 0
