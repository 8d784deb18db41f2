"""A test's side of the fake: what the buyer does, what goes wrong, and what the books say. All over HTTP."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from tests.fakes.stripe.app import SECRET_KEYS, StripeServer
from tests.fakes.stripe.faults import Chances, Fault, Planned
from tests.fakes.stripe.posting import Post
from tests.fakes.stripe.tokens import Granted
from tests.serving import served


class FakeStripe:
    """Talks with a fake at `url`, in whatever thread or process it runs."""

    key = SECRET_KEYS[0]
    """The account's secret key."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(base_url=f"{url}/_test/", timeout=60, trust_env=False, verify=False)

    async def pay(self, session: str) -> dict[str, Any]:
        """Pay with a good card, or complete the 3-D Secure that was asked for. Answers the session."""
        return await self._ask("POST", f"sessions/{session}/pay")

    async def decline(self, session: str) -> dict[str, Any]:
        """Try with a bad card."""
        return await self._ask("POST", f"sessions/{session}/decline")

    async def challenge(self, session: str) -> dict[str, Any]:
        """Try with a card that needs 3-D Secure, and stop there."""
        return await self._ask("POST", f"sessions/{session}/challenge")

    async def fail(self, session: str) -> dict[str, Any]:
        """Fail the 3-D Secure."""
        return await self._ask("POST", f"sessions/{session}/fail")

    async def lapse(self, payment: str) -> dict[str, Any]:
        """Let the bank end its hold."""
        return await self._ask("POST", f"payments/{payment}/lapse")

    async def forward(self, seconds: float) -> None:
        """Move the account's clock. Signatures of webhooks keep the real time."""
        await self._ask("POST", "clock", {"seconds": seconds})

    async def grant(self, token: Granted) -> None:
        """An agent grants the account a token."""
        await self._ask("POST", "tokens", token)

    async def break_next(
        self, fault: Fault, *, method: str = "", path: str = "", times: int = 1, seconds: float = 1.0
    ) -> None:
        """Let the next requests with this method and this text in their path fail."""
        await self._ask("POST", "faults", Planned(fault=fault, method=method, path=path, times=times, seconds=seconds))

    async def break_by_chance(self, rates: dict[Fault, float], *, seed: int, seconds: float = 1.0) -> None:
        """Let each request fail with these probabilities, the same ones for the same seed."""
        await self._ask("PUT", "chances", Chances(rates=rates, seed=seed, seconds=seconds))

    async def mend(self) -> None:
        """Fail no more."""
        await self._ask("DELETE", "faults")

    async def post(self, post: Post) -> None:
        """Where webhooks go from now on, and how badly."""
        await self._ask("PUT", "post", post)

    async def settled(self) -> list[dict[str, Any]]:
        """Wait until no webhook is on its way; answers what was sent: event, kind, status."""
        found: list[dict[str, Any]] = await self._ask("POST", "post/settle")
        return found

    async def events(self) -> list[dict[str, Any]]:
        """Every event, sent or not."""
        found: list[dict[str, Any]] = await self._ask("GET", "events")
        return found

    async def again(self, event: str) -> None:
        """Send an event once more."""
        await self._ask("POST", f"events/{event}/again")

    async def books(self) -> dict[str, list[dict[str, Any]]]:
        """`sessions`, `payments` and the `ledger`, whose entries say what (authorized, captured, released), payment,
        session, checkout, amount in Stripe's units, currency in lower case, and when."""
        return await self._ask("GET", "books")

    async def requests(self) -> list[dict[str, Any]]:
        """Every call of the API: method, path, params as sent, key, status, replayed, fault."""
        found: list[dict[str, Any]] = await self._ask("GET", "requests")
        return found

    async def reset(self) -> None:
        """Forget everything: a new account under the old key."""
        await self._ask("POST", "reset")

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else msgspec.json.encode(body)
        answer = await self._http.request(method, path, content=content)
        assert answer.is_success, answer.text
        return answer.json()


@contextlib.asynccontextmanager
async def running(*, shortest: int = 1800) -> AsyncIterator[FakeStripe]:
    """A fake of its own, in a thread of this process."""
    with served(StripeServer(shortest=shortest), log_level="critical") as url:
        desk = FakeStripe(url)
        yield desk
        await desk.close()
