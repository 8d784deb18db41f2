"""Every check there is, in the order of the report."""

from typing import Final

from storefront_mcp.doctor.checks import (
    address,
    card,
    database,
    documents,
    journey,
    payments,
    phases,
    protocol,
    settings,
    shop,
    shop_rights,
)
from storefront_mcp.doctor.findings import Check

ALL: Final[tuple[Check, ...]] = (
    *settings.CHECKS,
    *database.CHECKS,
    *shop.CHECKS,
    *shop_rights.CHECKS,
    *payments.CHECKS,
    *phases.CHECKS,
    *address.CHECKS,
    *documents.CHECKS,
    *card.CHECKS,
    *protocol.CHECKS,
    *journey.CHECKS,
)
