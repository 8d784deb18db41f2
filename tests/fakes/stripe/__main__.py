"""`python -m tests.fakes.stripe --port 0`: the fake in a process of its own. The first line on stdout is its
address."""

import argparse
import socket
import sys

import uvicorn

from tests.fakes.stripe.app import StripeServer


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=12111, help="0 takes a free one")
    parser.add_argument("--shortest", type=int, default=1800, help="seconds a session must live at least")
    asked = parser.parse_args()
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", asked.port))
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(StripeServer(shortest=asked.shortest), log_level="critical", ws="none")
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
