"""`python -m tests.chaos.faults.shop --stripe URL`: the demo shop with a payment module, in a process that outlives
ours."""

import argparse
import socket
import sys

import uvicorn
from msgspec.structs import replace

from storefront_mcp.demo.access import AttemptCounter
from storefront_mcp.demo.catalogue.model import DemoCatalogue
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from tests.fakes.demo_shop import UnsafeBehaviours, demo_shop
from tests.fakes.stripe.module import StripeModule

KEY = "rk_test_fake"


class Unlimited(AttemptCounter):
    """Counts nothing."""

    def count(self, kind: str, client: str, *, most: int, seconds: float) -> None:
        pass


def odd_catalogue() -> DemoCatalogue:
    """The demo's, with prices that end in 5, so that percentages are rounded; three decimals still end in 0."""
    stocked = pickle_warehouse()
    products = {
        number: replace(product, cents=product.cents // 10 * 10 + 5, sale_cents=None)
        for number, product in stocked.products.items()
    }
    return replace(stocked, products=products)


def main() -> None:
    """Serve until told to stop; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.faults.shop", description=__doc__)
    parser.add_argument("--stripe", required=True)
    asked = parser.parse_args()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        shop = demo_shop(
            # As unsafe as real shops are: parallel calls make several orders, and gaps end in a 500 that says nothing.
            unsafe=UnsafeBehaviours(duplicate_orders=True, opaque_errors=True, unchecked_orders=True),
            payment_modules={"stripe_card": StripeModule(asked.stripe, KEY)},
            base_url=url,
            open_books=True,
            catalogue=odd_catalogue(),
        )
        # All of them come from one address, and tries of coupons are not what this is about.
        shop.state.attempts = Unlimited(shop.state.clock)
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        config = uvicorn.Config(shop, log_level="critical", ws="none", timeout_keep_alive=75)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
