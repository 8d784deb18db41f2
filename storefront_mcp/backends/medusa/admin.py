"""What the shop's staff does, by the Admin API with a secret key: take the payment of an order as received."""

import base64
from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct

from storefront_mcp.backends.http_client import UpstreamClient
from storefront_mcp.backends.medusa.api import error_reason, is_id
from storefront_mcp.backends.medusa.orders import REFERENCE_KEY
from storefront_mcp.backends.medusa.shapes import Few, Id, Label
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.errors import OrderRefused, ShopBusy, ShopDown, ShopMisconfigured
from storefront_mcp.commerce.order import Order, OrderSettlement

ADMIN_PREFIX: Final = "/admin"
CANCELED: Final = "canceled"
PAID_FIELDS: Final = (
    "id,status,metadata,payment_collections.payments.id,payment_collections.payments.captured_at,"
    "payment_collections.payments.canceled_at"
)
REFUSED_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class StoredPayment(Struct, frozen=True):
    """A payment of an order: by Medusa's own provider, money that is held elsewhere."""

    id: Id
    captured_at: Label | None = None
    canceled_at: Label | None = None


class PaymentsOfOrder(Struct, frozen=True):
    """A payment collection of an order."""

    payments: Few[StoredPayment] | None = None


class StaffOrder(Struct, frozen=True):
    """An order as the staff sees it."""

    id: Id
    status: Label | None = None
    metadata: dict[str, Any] | None = None
    """The Store API shows it to nobody."""
    payment_collections: Few[PaymentsOfOrder] | None = None


class StaffOrderBody(Struct, frozen=True):
    """Body of `GET /orders/{id}`."""

    order: StaffOrder


def admin_headers(secret_key: str) -> dict[str, str]:
    """A secret key is a user's name without a password (HTTP Basic)."""
    credentials = base64.b64encode(f"{secret_key}:".encode()).decode("ascii")
    return {"accept": "application/json", "authorization": f"Basic {credentials}"}


class AdminPayments:
    """Marks orders as paid. Every call can be repeated: a payment that was captured stays as it is."""

    def __init__(self, admin: UpstreamClient) -> None:
        self._admin = admin

    async def mark_paid(self, order: Order, settlement: OrderSettlement) -> None:
        """Capture what the order's payment holds. Raises OrderRefused for one that is not ours or was canceled."""
        if order.token is None or not is_id(order.token):
            raise OrderRefused("its id is not known, so it cannot be marked as paid.")
        try:
            found = _require_success(await self._admin.get(f"/orders/{order.token}", {"fields": PAID_FIELDS}))
            staff = found.read(StaffOrderBody).order
            if (staff.metadata or {}).get(REFERENCE_KEY) != settlement.reference:
                raise OrderRefused("it is an order of somebody else.")
            if staff.status == CANCELED:
                raise OrderRefused("it was canceled there.")
            for collection in staff.payment_collections or ():
                for payment in collection.payments or ():
                    if not payment.captured_at and not payment.canceled_at:
                        _require_success(
                            await self._admin.send("POST", f"/payments/{payment.id}/capture", harmless=True)
                        )
        except ShopBusy as busy:
            raise ShopDown(internal=busy.internal) from busy


def _require_success(answer: UpstreamResponse) -> UpstreamResponse:
    """A success. Raises ShopMisconfigured for a secret key that is not taken, OrderRefused for another refusal."""
    if answer.is_success:
        return answer
    reason = error_reason(answer)
    if answer.status in REFUSED_STATUSES:
        raise ShopMisconfigured(f"{answer.where}: {answer.status}: store.upstream.secret_key is not taken")
    raise OrderRefused(reason, internal=f"{answer.where}: {answer.status} {reason}")
