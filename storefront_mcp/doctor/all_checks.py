"""All checks of the doctor, in the order of the report."""

from typing import Final

from storefront_mcp.doctor.check import DoctorCheck
from storefront_mcp.doctor.checks import (
    address,
    card,
    catalogue,
    database,
    documents,
    journey,
    mail,
    order_events,
    payments,
    phases,
    protocol,
    settings,
    shop,
    shop_permissions,
    sign_in,
)

ALL_CHECKS: Final[tuple[DoctorCheck, ...]] = (
    *settings.CHECKS,
    *database.CHECKS,
    *shop.CHECKS,
    *shop_permissions.CHECKS,
    *catalogue.CHECKS,
    *payments.CHECKS,
    *mail.CHECKS,
    *order_events.CHECKS,
    *phases.CHECKS,
    *address.CHECKS,
    *documents.CHECKS,
    *card.CHECKS,
    *protocol.CHECKS,
    *sign_in.CHECKS,
    *journey.CHECKS,
)
