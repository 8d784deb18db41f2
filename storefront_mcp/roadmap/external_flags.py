"""Polls an external OpenFeature provider (flagd, LaunchDarkly, Unleash …) in a background thread."""

import logging
import threading
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.provider import FeatureProvider
from openfeature.provider.no_op_provider import NoOpProvider

log: Final = logging.getLogger(__name__)

WAKE_EVENTS: Final = (ProviderEvent.PROVIDER_READY, ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
"""Provider events that trigger a poll at once."""


class ExternalFlagPoller:
    """The provider's last answer for each flag key; False (closed) until there is one.

    A thread polls every `poll` seconds and on provider events. A failed evaluation keeps the last answer and is logged.
    """

    def __init__(
        self, provider: FeatureProvider, contexts: Mapping[str, EvaluationContext], *, poll: float = 5.0
    ) -> None:
        """`contexts` are the flag keys, each with the context in which it is evaluated."""
        self._provider = provider
        self._contexts = contexts
        self._poll = poll
        self._domain = f"storefront-external-{uuid4().hex}"
        self._client = api.get_client(self._domain)
        self._answers: Mapping[str, bool] = dict.fromkeys(contexts, False)
        self._failing: frozenset[str] = frozenset()
        self._wake = threading.Event()
        self._answered = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="external-flags", daemon=True)

    @property
    def answers(self) -> Mapping[str, bool]:
        """The last answers, an immutable mapping; a new object when any of them changed."""
        return self._answers

    def start(self, *, timeout: float) -> None:
        """Start polling, and wait `timeout` seconds at most for the first answers. A second call does nothing."""
        if self._thread.ident is None:
            self._thread.start()
            if not self._answered.wait(timeout):
                log.warning("the flag provider has not answered yet; every phase is closed until it does")

    def close(self) -> None:
        """Stop polling and shut the provider down; a provider that hangs is abandoned after 1 s."""
        self._closed = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            api.set_provider_and_wait(self._provider, self._domain)
        except Exception as error:  # noqa: BLE001 -- foreign code; it may recover and then says so by an event
            log.warning("the flag provider did not start: %s", error)
        for event in WAKE_EVENTS:
            self._client.add_handler(event, self._on_wake)
        while not self._closed:
            self._wake.clear()
            self._poll_provider()
            self._answered.set()
            self._wake.wait(self._poll)
        for event in WAKE_EVENTS:
            self._client.remove_handler(event, self._on_wake)
        # OpenFeature cannot unregister a provider: replacing it shuts it down.
        api.set_provider(NoOpProvider(), self._domain)

    def _on_wake(self, _details: EventDetails) -> None:
        self._wake.set()

    def _poll_provider(self) -> None:
        answers: dict[str, bool] = {}
        failing: dict[str, str] = {}
        for key, context in self._contexts.items():
            details = self._client.get_boolean_details(key, False, context)
            if details.error_code is None:
                answers[key] = details.value
            else:
                failing[key] = f"{details.error_code.value}: {details.error_message}"
        if failing.keys() - self._failing:
            why = "; ".join(f"{key}: {problem}" for key, problem in sorted(failing.items()))
            log.warning("the flag provider did not answer, its last answers stand: %s", why)
        elif self._failing and not failing:
            log.info("the flag provider answers again")
        self._failing = frozenset(failing)
        merged = {**self._answers, **answers}
        if merged != self._answers:
            self._answers = merged
