"""Many buyers of one address try codes within a minute, as the other journeys do together."""

from tests.fakes.agent import MODERN, Agent, value
from tests.journeys.conftest import OpenStore


async def test_journeys_are_not_stopped_by_the_tries_of_others(demo_store: OpenStore) -> None:
    async with Agent(demo_store.origin, MODERN[-1]) as agent:
        cart = value(await agent.call("create_cart"))["cart_id"]
        value(await agent.call("add_to_cart", cart_id=cart, sku="TEE-BLACK-M"))
        for _ in range(25):
            assert value(await agent.call("apply_coupon", cart_id=cart, code="SAVE10"))["coupon"] == "SAVE10"
            value(await agent.call("remove_coupon", cart_id=cart))
