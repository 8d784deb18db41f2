"""`wc/v3/customers`: users of the site, as the merchant's key finds and reads them."""

import re
import unicodedata
from typing import Any

from tests.fakes.woocommerce.catalogue import Answer, Query, invalid, paged, text
from tests.fakes.woocommerce.orders import only
from tests.fakes.woocommerce.state import Refused, WooCustomer, WooState

EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
"""What WordPress takes for an address (`is_email`)."""
ROLES = ("all", "administrator", "editor", "author", "contributor", "subscriber", "customer", "shop_manager")


def customers(state: WooState, query: Query) -> Answer:
    """`GET /wc/v3/customers`: of one role, and with `email` those whose address the database takes for the same.

    An asterisk at an end of it stands for anything, as in any search of users.
    """
    role, email = text(query, "role", "customer"), text(query, "email")
    if role not in ROLES:
        raise invalid("role", f"role is not one of {', '.join(ROLES[:-1])}, and {ROLES[-1]}.", "rest_not_in_enum")
    if email and EMAIL.fullmatch(email) is None:
        raise invalid("email", "Invalid email address.", "rest_invalid_email")
    found = [one for one in state.customers.values() if role in {"all", one.role} and _matches(email, one.email)]
    shown, headers = paged(state, found, query)
    return [only(_body(one), query) for one in shown], headers


def customer(state: WooState, key: str, query: Query) -> Answer:
    """`GET /wc/v3/customers/{id}`."""
    found = state.customers.get(int(key)) if key.isdecimal() else None
    if found is None:
        raise Refused(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
    return only(_body(found), query), {}


def _matches(asked: str, email: str) -> bool:
    """Whether a search finds an address, by a collation that knows neither capitals nor accents."""
    if not asked:
        return True
    wanted, there = _folded(asked.strip("*")), _folded(email)
    if asked.startswith("*"):
        return wanted in there if asked.endswith("*") else there.endswith(wanted)
    return there.startswith(wanted) if asked.endswith("*") else there == wanted


def _folded(email: str) -> str:
    parts = unicodedata.normalize("NFKD", email.casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))


def _body(found: WooCustomer) -> dict[str, Any]:
    return {
        "id": found.id,
        "email": found.email,
        "first_name": found.first_name,
        "last_name": found.last_name,
        "role": found.role,
        "username": found.email.partition("@")[0],
        "billing": found.billing,
        "shipping": found.shipping,
        "is_paying_customer": False,
        "meta_data": [],
    }
