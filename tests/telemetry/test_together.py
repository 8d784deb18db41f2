"""Several watchers as one."""

from typing import Any

import pytest

from storefront_mcp.telemetry.together import watcher_of


class Diary:
    """Writes down what it sees, under its name."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self.seen = seen
        self.headers = {name: "1"}

    def asked(self, asking: Any) -> Any:
        return self._noted("asked")

    def asks_shop(self, operation: str) -> Any:
        return self._noted(operation)

    def circuit(self, *, opened: bool) -> None:
        self._noted(f"circuit {opened}")

    def limited(self, rule: str) -> None:
        self._noted(rule)

    def became(self, outcome: str) -> None:
        self._noted(outcome)

    def refused(self, code: int) -> None:
        self._noted(str(code))

    def ended(self) -> None:
        self._noted("ended")

    def _noted(self, what: str) -> "Diary":
        self.seen.append(f"{self.name} {what}")
        return self


def test_nobody_and_one_need_no_company() -> None:
    one: Any = Diary("a", [])
    assert watcher_of([]) is None
    assert watcher_of([one]) is one


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_everybody_sees_everything_and_leaves_in_the_other_order(names: str) -> None:
    seen: list[str] = []
    watcher = watcher_of([Diary(name, seen) for name in names])
    assert watcher is not None
    look = watcher.asked(None)  # type: ignore[arg-type]
    look.became("x")
    look.refused(-1)
    look.ended()
    shop = watcher.asks_shop("GET /")
    assert shop.headers == dict.fromkeys(names, "1")
    watcher.circuit(opened=True)
    watcher.limited("cart")
    onwards = [f"{name} {what}" for what in ("asked", "x", "-1") for name in names]
    last = [f"{name} {what}" for what in ("GET /", "circuit True", "cart") for name in names]
    assert seen == [*onwards, *(f"{name} ended" for name in reversed(names)), *last]
