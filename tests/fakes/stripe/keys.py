"""Idempotency keys: the first answer to a key is its answer for a day."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.stripe.refusals import Refused

DAY = 24 * 3600


@dataclass
class Kept:
    """What a key was used for, and the answer, once there is one."""

    asked: Any
    at: float
    answer: tuple[int, Any] | None = None


class Keys:
    """The keys of an account."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    def __contains__(self, key: str) -> bool:
        """Whether there is an answer for it."""
        return key in self._kept and self._kept[key].answer is not None

    def begin(self, key: str, asked: Any) -> tuple[int, Any] | None:
        """The answer that was kept; None when the request is to be executed now. Raises Refused."""
        if len(key) > 255:
            raise Refused("Idempotency keys are at most 255 characters long.")
        kept = self._kept.get(key)
        if kept is None or kept.at < self._clock() - DAY:
            self._kept[key] = Kept(asked, self._clock())
            return None
        if kept.asked != asked:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            raise Refused(message, kind="idempotency_error")
        if kept.answer is None:
            message = "There is currently another in-progress request using this Idempotent Key."
            raise Refused(message, code="idempotency_key_in_use", kind="idempotency_error", status=409)
        return kept.answer

    def keep(self, key: str, answer: tuple[int, Any]) -> None:
        self._kept[key].answer = answer

    def forget(self, key: str) -> None:
        """The request was not executed after all."""
        self._kept.pop(key, None)
