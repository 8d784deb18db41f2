"""Composite instrumentation: every member is called in order, and observations end in reverse."""

from typing import Any

import pytest

from storefront_mcp.telemetry.composite import combine


class RecordingInstrumentation:
    """Records what is called, under its name."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self.name = name
        self.seen = seen
        self.headers = {name: "1"}

    def observe_request(self, asking: Any) -> Any:
        return self._noted("asked")

    def observe_upstream_call(self, operation: str) -> Any:
        return self._noted(operation)

    def set_circuit_state(self, *, opened: bool) -> None:
        self._noted(f"circuit {opened}")

    def count_limited(self, rule: str) -> None:
        self._noted(rule)

    def record_outcome(self, outcome: str) -> None:
        self._noted(outcome)

    def record_error_code(self, code: int) -> None:
        self._noted(str(code))

    def end(self) -> None:
        self._noted("ended")

    def _noted(self, what: str) -> "RecordingInstrumentation":
        self.seen.append(f"{self.name} {what}")
        return self


def test_none_is_none_and_one_is_itself() -> None:
    one: Any = RecordingInstrumentation("a", [])
    assert combine([]) is None
    assert combine([one]) is one


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_every_member_sees_everything_and_ends_in_reverse_order(names: str) -> None:
    seen: list[str] = []
    instrumentation = combine([RecordingInstrumentation(name, seen) for name in names])
    assert instrumentation is not None
    observation = instrumentation.observe_request(None)  # type: ignore[arg-type]
    observation.record_outcome("x")
    observation.record_error_code(-1)
    observation.end()
    shop = instrumentation.observe_upstream_call("GET /")
    assert shop.headers == dict.fromkeys(names, "1")
    instrumentation.set_circuit_state(opened=True)
    instrumentation.count_limited("cart")
    onwards = [f"{name} {what}" for what in ("asked", "x", "-1") for name in names]
    last = [f"{name} {what}" for what in ("GET /", "circuit True", "cart") for name in names]
    assert seen == [*onwards, *(f"{name} ended" for name in reversed(names)), *last]
