"""The record of flips as an OpenFeature provider: the built-in one, which needs no server."""
# ruff: noqa: ARG002 -- the signatures are OpenFeature's

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from storefront_mcp.roadmap.manifest import Status

V = TypeVar("V")


class RecordedProvider(AbstractProvider):
    """Answers from one snapshot, flag key to status: as a string, or as a boolean that says whether the phase is open.

    A snapshot is swapped whole, so one pass over the flags never sees two of them when the swapper does the pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self._statuses: Mapping[str, Status] = {}

    def take(self, statuses: Mapping[str, Status]) -> None:
        """Answer from these from now on, and tell whoever listens."""
        self._statuses = statuses
        self.emit_provider_configuration_changed(ProviderEventDetails())

    def get_metadata(self) -> Metadata:
        """Who answers."""
        return Metadata(name="storefront-mcp record of flips")

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A phase's status."""
        status = self._statuses.get(flag_key)
        return _unknown(flag_key, default_value) if status is None else _known(str(status), status)

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 -- OpenFeature's signature
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Whether a phase is open."""
        status = self._statuses.get(flag_key)
        return _unknown(flag_key, default_value) if status is None else _known(status == "active", status)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """No phase is a number."""
        return self._mistyped(flag_key, default_value)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """No phase is a number."""
        return self._mistyped(flag_key, default_value)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[Any] | Mapping[str, Any],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[Any] | Mapping[str, Any]]:
        """No phase is an object."""
        return self._mistyped(flag_key, default_value)

    def _mistyped(self, flag_key: str, default_value: V) -> FlagResolutionDetails[V]:
        if flag_key not in self._statuses:
            return _unknown(flag_key, default_value)
        return _failed(default_value, ErrorCode.TYPE_MISMATCH, f"{flag_key} is a string or a boolean")


def _known(value: V, status: Status) -> FlagResolutionDetails[V]:
    return FlagResolutionDetails(value=value, reason=Reason.STATIC, variant=status)


def _unknown(flag_key: str, default_value: V) -> FlagResolutionDetails[V]:
    return _failed(default_value, ErrorCode.FLAG_NOT_FOUND, f"{flag_key} is no phase of any store")


def _failed(default_value: V, code: ErrorCode, message: str) -> FlagResolutionDetails[V]:
    return FlagResolutionDetails(value=default_value, reason=Reason.ERROR, error_code=code, error_message=message)
