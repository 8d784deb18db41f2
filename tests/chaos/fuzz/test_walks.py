"""Whatever is sent over real HTTP: a right answer, in the right form, and a server that stays as it was."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.chaos.fuzz.walk import Walk, learned, listed
from tests.external.clients.programs import Program, running
from tests.external.conformance.serving import fixtures_served
from tests.fakes.agent import VERSIONS, Agent, value
from tests.serving import free_port

FEW, SOME, MANY = 2_500, 10_000, 200_000
VALIDATED = 80
"""Answers that a judge must have seen at least, or the walk proved nothing."""
FORMS = 20
"""Forms of persons who sign in that a page must have answered."""
GROWTH = 15.0
"""Megabytes that a warm server may grow by: room for what allocators keep, none for a leak per request."""

ELSEWHERE = "203.0.113.201"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Program]]:
    """Port and process of `storefront-mcp demo`, everything that is delivered open."""
    port = free_port()
    with running("demo", "--port", str(port), port=port, cwd=tmp_path_factory.mktemp("fuzz")) as program:
        yield port, program


def length(pytestconfig: pytest.Config) -> int:
    """As many requests as were wished for; without a wish many for `make fuzz`, fewer beside all other tests."""
    wished = pytestconfig.getoption("--fuzz-requests")
    return int(wished or (MANY if pytestconfig.option.markexpr == "fuzz" else SOME))


async def walk(demo: tuple[int, Program], pytestconfig: pytest.Config) -> Walk:
    port, program = demo
    seed = int(pytestconfig.getoption("--fuzz-seed"))
    return Walk(port, seed, await learned(f"http://127.0.0.1:{port}"), program._process.pid)


async def shops_as_ever(demo: tuple[int, Program]) -> None:
    """The server is none the worse for it: who comes from elsewhere, with limits of their own, shops."""
    for version in VERSIONS:
        client = httpx.AsyncClient(timeout=120, headers={"x-forwarded-for": ELSEWHERE})
        async with Agent(f"http://127.0.0.1:{demo[0]}", version, client=client) as agent:
            cart = value(await agent.call("create_cart"))["cart_id"]
            value(await agent.call("add_to_cart", cart_id=cart, sku="CARE-1", quantity=2))
            assert value(await agent.call("view_cart", cart_id=cart))["lines"][0]["quantity"] == 2


def kept_quiet(program: Program) -> None:
    """Nothing broke in there that the answers hid."""
    assert "Traceback" not in program.output, program.output[-5000:]


@pytest.mark.slow
async def test_a_few_thousand_strange_requests_are_answered_well(
    demo: tuple[int, Program], pytestconfig: pytest.Config
) -> None:
    walking = await walk(demo, pytestconfig)
    await walking.go(FEW)
    kept_quiet(demo[1])
    await shops_as_ever(demo)
    assert walking.judge.validated > VALIDATED
    assert walking.judge.forms > FORMS


@pytest.mark.slow
async def test_tools_that_talk_and_ask_back_are_as_steady(
    pytestconfig: pytest.Config, caplog: pytest.LogCaptureFixture
) -> None:
    assert await walks_among_fixtures(FEW, pytestconfig, caplog) > VALIDATED


async def walks_among_fixtures(requests: int, pytestconfig: pytest.Config, caplog: pytest.LogCaptureFixture) -> int:
    """How many answers were validated; the conformance catalogue has questions, progress, headers for arguments."""
    with fixtures_served() as origin:
        port = int(origin.rpartition(":")[2])
        walking = Walk(port, int(pytestconfig.getoption("--fuzz-seed")), await listed(origin))
        await walking.go(requests)
    assert not [record for record in caplog.records if record.exc_info]
    return walking.judge.validated


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_long_walk_among_tools_that_talk_ends_well(
    pytestconfig: pytest.Config, caplog: pytest.LogCaptureFixture
) -> None:
    assert await walks_among_fixtures(length(pytestconfig) // 5, pytestconfig, caplog) > VALIDATED


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_long_walk_of_strange_requests_leaves_no_trace(
    demo: tuple[int, Program], pytestconfig: pytest.Config, record_property: Any
) -> None:
    walking = await walk(demo, pytestconfig)
    requests = length(pytestconfig)
    await walking.go(requests // 5)
    warm = walking.resident()
    await walking.go(requests)
    grown = walking.resident() - warm
    print(f"seed {walking.seed}: {requests} requests, {walking.judge.answers}, {walking.judge.validated} validated")  # noqa: T201
    print(f"{warm:.1f} MB when warm, {grown:+.1f} MB at the end")  # noqa: T201
    kept_quiet(demo[1])
    await shops_as_ever(demo)
    assert grown < GROWTH
