"""What the people of a fault run saw, for the audit."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from storefront_mcp.checkout.context import pay_key

EMAILS = re.compile(r"ada[0-9a-f]{10}@example\.com")
CARTS = re.compile(r"cart_[a-z2-7]{26}")
OVER = frozenset({"completed", "canceled", "expired"})
"""Statuses of sessions that nothing follows."""


class Refused(Exception):
    """The shop said no; the sentence is the argument."""


class Ended(NamedTuple):
    """A session that is over, as it was told; amounts in minor units."""

    status: str
    order: str | None
    total: int
    currency: str


class SessionHistory:
    """What was told of one checkout session."""

    def __init__(self) -> None:
        self.pages: dict[str, set[tuple[int, str]]] = {}
        """Amounts and currencies that were told, by the path of the payment page."""
        self.ended: set[Ended] = set()
        self.by_acp = False
        """Whether it was told over ACP, and so may be a session that its key alone is told of."""


class Tally:
    """What happened, as the people saw it."""

    def __init__(self) -> None:
        self.stories: Counter[str] = Counter()
        self.currencies: Counter[str] = Counter()
        self.begun: Counter[str] = Counter()
        """Carts by the protocol that began them."""
        self.finished: dict[str, set[str]] = {}
        """Checkouts by the protocol that finished their carts."""
        self.mixed = 0
        """Checkouts of carts that another protocol began."""
        self.checkouts: set[str] = set()
        self.several: list[frozenset[tuple[str, str | None]]] = []
        """One wish that was given several checkouts or addresses."""
        self.faults: list[str] = []
        """Answers that were a fault of ours."""
        self.strangers: list[str] = []
        """Answers that held what is somebody else's."""
        self.sessions: dict[tuple[str, str], SessionHistory] = {}
        """By store and the session's id."""
        self.tasks: dict[tuple[str, str], set[str]] = {}
        """Payment pages that tasks led to, by store and the task's id."""
        self.confirmed: dict[str, set[int]] = {}
        """Amounts that buyers agreed to pay, by the path of the payment page that showed them."""
        self.pages: dict[str, str] = {}
        """Carts by the paths of their payment pages."""
        self._owners: dict[str, str] = {}

    def found(self, checkout: str, *, begun: str, finished: str) -> None:
        """A checkout, by its id or its page."""
        if checkout in self.checkouts:
            return
        self.checkouts.add(checkout)
        self.finished.setdefault(finished, set()).add(checkout)
        self.mixed += begun != finished

    def owner(self, cart: str) -> str:
        """Who was shown a cart first."""
        return self._owners.get(cart, "nobody")

    def one_wish(self, paths: Iterable[str]) -> None:
        """Pages that one wish was led to."""
        found = frozenset((pay_key(path.rpartition("/")[2]), path) for path in paths)
        if len(found) > 1:
            self.several.append(found)

    def look_for_strangers(self, name: str, text: str) -> None:
        """Whether an answer to this person holds another's address or cart."""
        for cart in set(CARTS.findall(text)):
            if self._owners.setdefault(cart, name) != name:
                self.strangers.append(f"{name} was shown a cart of {self._owners[cart]}: {text[:200]}")
        self.strangers += [f"{name} was shown {other}" for other in set(EMAILS.findall(text)) if other[:13] != name]
