"""`python -m tests.faults.shop --stripe URL`: the demo shop with a payment module, in a process that outlives ours."""

import argparse
import socket
import sys

import uvicorn

from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.demo.traps import Traps
from tests.fake_stripe.module import StripeModule

KEY = "rk_test_fake"


def main() -> None:
    """Serve until told to stop; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.shop", description=__doc__)
    parser.add_argument("--stripe", required=True)
    asked = parser.parse_args()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        shop = demo_shop(
            # As unsafe as real shops are: parallel calls make several orders, and gaps end in a 500 that says nothing.
            traps=Traps(duplicate_orders=True, opaque_errors=True, unchecked_orders=True),
            payment_modules={"stripe_card": StripeModule(asked.stripe, KEY)},
            base_url=url,
            open_books=True,
        )
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        config = uvicorn.Config(shop, log_level="critical", ws="none", timeout_keep_alive=75)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
