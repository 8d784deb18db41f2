"""Whether a request met a fault does not depend on clocks."""

from tests.chaos.faults.disturbances import Disturbances


async def test_a_request_that_begins_in_a_fault_has_met_it() -> None:
    disturbances = Disturbances()
    async with disturbances.one():
        has_met = disturbances.watch()
    assert has_met()


async def test_a_request_around_a_whole_fault_has_met_it() -> None:
    disturbances = Disturbances()
    has_met = disturbances.watch()
    assert not has_met()
    async with disturbances.one():
        assert has_met()
    assert has_met()


async def test_a_request_between_two_faults_has_met_none() -> None:
    disturbances = Disturbances()
    async with disturbances.one():
        pass
    has_met = disturbances.watch()
    assert not has_met()
