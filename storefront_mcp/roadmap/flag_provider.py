"""The built-in OpenFeature provider: phase statuses from the recorded flips and stops, for each caller."""
# ruff: noqa: ARG002 -- the signatures are OpenFeature's

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from storefront_mcp.roadmap.audience import CLIENT
from storefront_mcp.roadmap.emergency_stops import EmergencyStop
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import Phase

V = TypeVar("V")


class FlagRule(Struct, frozen=True, kw_only=True):
    """What decides about one phase of one store."""

    phase: Phase
    """With its recorded status and terms."""
    stops: tuple[EmergencyStop, ...] = ()
    """Of the store."""

    def status_for(self, context: EvaluationContext | None) -> Status:
        """The status that the caller of an evaluation context is shown; a stranger without one."""
        client = "" if context is None else str(context.attributes.get(CLIENT, ""))
        phase = self.phase
        if phase.status != "active":
            return phase.status
        if not phase.terms.admits(client, (context and context.targeting_key) or ""):
            return phase.terms.otherwise
        return "paused" if self.stop_for(client) is not None else "active"

    def stop_for(self, client: str) -> EmergencyStop | None:
        """The stop that closes the phase for a client program."""
        return next((stop for stop in self.stops if stop.closes(self.phase, client)), None)


class FlipFlagProvider(AbstractProvider):
    """Evaluates flags from a snapshot of flag key to rule: string flags are the status, boolean flags `active`."""

    def __init__(self) -> None:
        super().__init__()
        self._rules: Mapping[str, FlagRule] = {}

    def replace_rules(self, rules: Mapping[str, FlagRule]) -> None:
        """Replace the snapshot and emit PROVIDER_CONFIGURATION_CHANGED."""
        self._rules = rules
        self.emit_provider_configuration_changed(ProviderEventDetails())

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata(name="storefront-mcp record of flips")

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A phase's status."""
        rule = self._rules.get(flag_key)
        if rule is None:
            return _unknown_flag(flag_key, default_value)
        status = rule.status_for(evaluation_context)
        return _resolution(str(status), status)

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 -- OpenFeature's signature
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Whether a phase is active."""
        rule = self._rules.get(flag_key)
        if rule is None:
            return _unknown_flag(flag_key, default_value)
        status = rule.status_for(evaluation_context)
        return _resolution(status == "active", status)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """TYPE_MISMATCH: no phase is a number."""
        return self._type_mismatch(flag_key, default_value)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """TYPE_MISMATCH: no phase is a number."""
        return self._type_mismatch(flag_key, default_value)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[Any] | Mapping[str, Any],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[Any] | Mapping[str, Any]]:
        """TYPE_MISMATCH: no phase is an object."""
        return self._type_mismatch(flag_key, default_value)

    def _type_mismatch(self, flag_key: str, default_value: V) -> FlagResolutionDetails[V]:
        if flag_key not in self._rules:
            return _unknown_flag(flag_key, default_value)
        return _failure(default_value, ErrorCode.TYPE_MISMATCH, f"{flag_key} is a string or a boolean")


def _resolution(value: V, status: Status) -> FlagResolutionDetails[V]:
    return FlagResolutionDetails(value=value, reason=Reason.TARGETING_MATCH, variant=status)


def _unknown_flag(flag_key: str, default_value: V) -> FlagResolutionDetails[V]:
    return _failure(default_value, ErrorCode.FLAG_NOT_FOUND, f"{flag_key} is no phase of any store")


def _failure(default_value: V, code: ErrorCode, message: str) -> FlagResolutionDetails[V]:
    return FlagResolutionDetails(value=default_value, reason=Reason.ERROR, error_code=code, error_message=message)
