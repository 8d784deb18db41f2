"""Composite instrumentation: several instrumentations called in order; observations end in reverse order."""

from collections.abc import Mapping, Sequence

from storefront_mcp.instrumentation import Instrumentation, ObservedRequest, RequestObservation, UpstreamObservation


class CompositeInstrumentation:
    """Implements `Instrumentation` by calling each member."""

    def __init__(self, members: Sequence[Instrumentation]) -> None:
        self._members = members

    def observe_request(self, request: ObservedRequest) -> RequestObservation:
        """Begin an observation in every member."""
        return _CompositeObservation([one.observe_request(request) for one in self._members])

    def observe_upstream_call(self, operation: str) -> UpstreamObservation:
        """Begin an observation in every member."""
        return _CompositeUpstreamObservation([one.observe_upstream_call(operation) for one in self._members])

    def set_circuit_state(self, *, opened: bool) -> None:
        """Pass it on."""
        for one in self._members:
            one.set_circuit_state(opened=opened)

    def count_limited(self, rule: str) -> None:
        """Pass it on."""
        for one in self._members:
            one.count_limited(rule)


class _CompositeObservation:
    __slots__ = ("_members",)

    def __init__(self, members: Sequence[RequestObservation]) -> None:
        self._members = members

    def record_outcome(self, outcome: str) -> None:
        for one in self._members:
            one.record_outcome(outcome)

    def record_error_code(self, code: int) -> None:
        for one in self._members:
            one.record_error_code(code)

    def end(self) -> None:
        for one in reversed(self._members):
            one.end()


class _CompositeUpstreamObservation(_CompositeObservation):
    __slots__ = ("headers",)

    def __init__(self, members: Sequence[UpstreamObservation]) -> None:
        super().__init__(members)
        self.headers: Mapping[str, str] = {name: value for one in members for name, value in one.headers.items()}


def combine(instrumentations: Sequence[Instrumentation]) -> Instrumentation | None:
    """All of them as one; None where there are none."""
    if len(instrumentations) <= 1:
        return next(iter(instrumentations), None)
    return CompositeInstrumentation(instrumentations)
