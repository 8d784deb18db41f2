"""Alerts: conditions that a person is told of, the messages about them, and `AlertRepository`, their storage."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol, get_args

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId

Condition = Literal[
    "checkouts", "late_checkouts", "shop", "webhooks", "order_events", "scheduled_flips", "audit", "disk", "database"
]
"""A checkout needs a person; checkouts are late; the shop is down; webhooks are not signed as they should be; a
platform was not told of an order; a scheduled flip was not made; the audit is broken; the disk is nearly full; the
database takes no writes."""
AlertStatus = Literal["raised", "reminder", "resolved", "test"]
AlertChannel = Literal["webhook", "mail"]
DeliveryStatus = Literal["waiting", "sent", "failed"]

CONDITIONS: Final[tuple[Condition, ...]] = get_args(Condition)
STORE_CONDITIONS: Final[tuple[Condition, ...]] = (
    "checkouts",
    "late_checkouts",
    "shop",
    "webhooks",
    "order_events",
    "scheduled_flips",
)
"""Conditions of one store; the others are the server's, whose alerts have an empty store."""
RAISE_AFTER_SECONDS: Final[Mapping[Condition, float]] = {"shop": 120.0, "database": 30.0}
"""How long a condition is seen before anybody is told; 0 for others."""
RESOLVE_AFTER_SECONDS: Final[Mapping[Condition, float]] = dict.fromkeys(CONDITIONS, 120.0) | {"webhooks": 6 * 3600.0}
"""How long it was not seen when it is over."""
REMINDER_SECONDS: Final = 24 * 3600.0


class AlertKey(NamedTuple):
    """What there is one alert of at a time."""

    condition: Condition
    store: StoreId
    """Empty for the server."""


class AlertMessage(Struct, frozen=True, kw_only=True):
    """One message about a condition: the same, under the same id, however often it is sent. Times are Unix seconds."""

    id: str
    condition: Condition
    store: StoreId
    status: AlertStatus
    since: float
    at: float
    reason: str
    """What was seen; without personal data and secrets."""


class ActiveAlert(Struct, frozen=True, kw_only=True):
    """A condition that holds. Times are Unix seconds."""

    key: AlertKey
    since: float
    seen_at: float
    told_at: float | None
    """When it was told last; None while it has not held for long enough."""
    reason: str


class AlertDelivery(Struct, frozen=True, kw_only=True):
    """A message on its way to one receiver."""

    message: AlertMessage
    channel: AlertChannel
    tries: int
    """Attempts that have begun."""


class AlertRepository(Protocol):
    """Storage of alerts, shared by every worker. Blocking: called from threads."""

    def observe(
        self,
        seen: Mapping[AlertKey, str],
        *,
        now: float,
        held: Collection[AlertKey] = (),
        cleared: Collection[AlertKey] = (),
        channels: Sequence[AlertChannel] | None = None,
    ) -> Sequence[AlertMessage]:
        """Record what was seen, with the reasons, and queue what has to be told by each channel; what was queued.

        Of `held` nothing is known now, `cleared` are known to be over. Without `channels` nothing is decided.
        """

    def list_active(self) -> Sequence[ActiveAlert]:
        """The conditions that hold."""

    def lease(self, *, now: float, seconds: float) -> AlertDelivery | None:
        """Take the delivery that is due longest, for `seconds`, and count the attempt; None when none is due."""

    def finish(
        self, delivery: AlertDelivery, status: DeliveryStatus, *, due_at: float, problem: str | None = None
    ) -> None:
        """Record how an attempt ended; one that is still `waiting` is due again at `due_at`."""
