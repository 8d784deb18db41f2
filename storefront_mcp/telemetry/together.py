"""Several watchers as one."""

from collections.abc import Mapping, Sequence
from functools import reduce

from storefront_mcp.calls.watching import Asking, Look, ShopLook, Watcher


class Two:
    """Implements `calls.watching.Watcher`: both see everything, and leave in the other order."""

    def __init__(self, first: Watcher, second: Watcher) -> None:
        self._first = first
        self._second = second

    def asked(self, asking: Asking) -> Look:
        """An agent's request begins."""
        return _Looks(self._first.asked(asking), self._second.asked(asking))

    def asks_shop(self, operation: str) -> ShopLook:
        """A question to the shop begins."""
        return _ShopLooks(self._first.asks_shop(operation), self._second.asks_shop(operation))

    def circuit(self, *, opened: bool) -> None:
        """Whether the shop is given a rest now."""
        self._first.circuit(opened=opened)
        self._second.circuit(opened=opened)

    def limited(self, rule: str) -> None:
        """Somebody hit a limit."""
        self._first.limited(rule)
        self._second.limited(rule)


class _Looks:
    __slots__ = ("_first", "_second")

    def __init__(self, first: Look, second: Look) -> None:
        self._first = first
        self._second = second

    def became(self, outcome: str) -> None:
        self._first.became(outcome)
        self._second.became(outcome)

    def refused(self, code: int) -> None:
        self._first.refused(code)
        self._second.refused(code)

    def ended(self) -> None:
        self._second.ended()
        self._first.ended()


class _ShopLooks(_Looks):
    __slots__ = ("headers",)

    def __init__(self, first: ShopLook, second: ShopLook) -> None:
        super().__init__(first, second)
        self.headers: Mapping[str, str] = {**first.headers, **second.headers}


def watcher_of(watchers: Sequence[Watcher]) -> Watcher | None:
    """All of them as one; None when there is nobody."""
    return reduce(Two, watchers) if watchers else None
