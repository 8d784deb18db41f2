"""A shop's own flag provider (flagd, LaunchDarkly, Unleash …), asked in the background so that it delays nobody."""

import logging
import threading
from collections.abc import Collection, Mapping
from typing import Final
from uuid import uuid4

from openfeature import api
from openfeature.event import EventDetails, ProviderEvent
from openfeature.provider import FeatureProvider
from openfeature.provider.no_op_provider import NoOpProvider

LOG: Final = logging.getLogger(__name__)

WAKING: Final = (ProviderEvent.PROVIDER_READY, ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
"""Events after which asking again is worth while at once."""


class OutsideFlags:
    """What the provider last said about each key. A key it never answered is False: closed.

    A thread of its own asks every `poll` seconds and when the provider says that something changed. A failed answer
    leaves the last one standing and is logged.
    """

    def __init__(self, provider: FeatureProvider, keys: Collection[str], *, poll: float = 5.0) -> None:
        self._provider = provider
        self._keys = tuple(keys)
        self._poll = poll
        self._domain = f"storefront-outside-{uuid4().hex}"
        self._client = api.get_client(self._domain)
        self._answers: Mapping[str, bool] = dict.fromkeys(self._keys, False)
        self._failing: frozenset[str] = frozenset()
        self._wake = threading.Event()
        self._first = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="outside-flags", daemon=True)

    @property
    def answers(self) -> Mapping[str, bool]:
        """The last answers, as one value that never changes; another object when any of them did."""
        return self._answers

    def start(self, *, patience: float) -> None:
        """Begin to ask, and wait for the first answers `patience` seconds at most. A second call does nothing."""
        if self._thread.ident is None:
            self._thread.start()
            if not self._first.wait(patience):
                LOG.warning("the flag provider has not answered yet; every phase is closed until it does")

    def close(self) -> None:
        """Stop asking, and shut the provider down; one that hangs is left behind."""
        self._closed = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            api.set_provider_and_wait(self._provider, self._domain)
        except Exception as error:  # noqa: BLE001 -- foreign code; it may recover and then says so by an event
            LOG.warning("the flag provider did not start: %s", error)
        for event in WAKING:
            self._client.add_handler(event, self._woken)
        while not self._closed:
            self._wake.clear()
            self._ask()
            self._first.set()
            self._wake.wait(self._poll)
        for event in WAKING:
            self._client.remove_handler(event, self._woken)
        # OpenFeature has no word for taking a provider away: another in its place shuts it down.
        api.set_provider(NoOpProvider(), self._domain)

    def _woken(self, _details: EventDetails) -> None:
        self._wake.set()

    def _ask(self) -> None:
        answers: dict[str, bool] = {}
        failing: dict[str, str] = {}
        for key in self._keys:
            details = self._client.get_boolean_details(key, False)
            if details.error_code is None:
                answers[key] = details.value
            else:
                failing[key] = f"{details.error_code.value}: {details.error_message}"
        if failing.keys() - self._failing:
            why = "; ".join(f"{key}: {problem}" for key, problem in sorted(failing.items()))
            LOG.warning("the flag provider did not answer, its last answers stand: %s", why)
        elif self._failing and not failing:
            LOG.info("the flag provider answers again")
        self._failing = frozenset(failing)
        merged = {**self._answers, **answers}
        if merged != self._answers:
            self._answers = merged
