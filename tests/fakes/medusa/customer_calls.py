"""Customers of the stand-in: passwords, second factors, addresses, orders, and carts that become theirs."""

from tests.fakes.medusa.answers import MedusaCall, MedusaRefusal, Route, invalid, missing
from tests.fakes.medusa.cart_calls import ADDRESS_FIELDS, cart_of, drop_sessions
from tests.fakes.medusa.order_calls import shown_order
from tests.fakes.medusa.stock import Json
from tests.fakes.medusa.tokens import issue

WRONG = "Invalid email or password"
CUSTOMER_FIELDS = ("first_name", "last_name", "company_name", "phone")
SWITCHES = ("is_default_shipping", "is_default_billing")
MAX_TRIES = 5


def sign_in(call: MedusaCall) -> Json:
    """`POST /auth/customer/emailpass`: what else is in the body is ignored."""
    identity = call.state.identities.get(_credentials(call)[0])
    if identity is None or identity["password"] != call.body["password"]:
        raise MedusaRefusal(401, "unauthorized", WRONG)
    if identity["unverified"]:
        verification = {"entity_id": identity["email"], "entity_type": "email", "verified_at": None}
        token = issue(call.state, identity, actor=False)
        return {"verification_required": True, "verification": verification, "token": token}
    if identity["second_factor"] is not None:
        made = call.state.id("authmfachal")
        call.state.challenges[made] = {"id": made, "identity": identity["email"], "attempts": 0, "completed": False}
        challenge = {"id": made, "methods": ["totp", "recovery_code"], "attempts": 0, "max_attempts": MAX_TRIES}
        return {"mfa_required": True, "mfa_challenge": challenge, "token": issue(call.state, identity, actor=False)}
    return {"token": issue(call.state, identity)}


def list_providers(call: MedusaCall) -> Json:
    """`GET /auth/customer/providers`: what customers may sign in with."""
    return {"providers": [{"id": one, "identifier": one} for one in call.state.auth_providers]}


def register(call: MedusaCall) -> Json:
    """`POST /auth/customer/emailpass/register`: a password, which is not yet a customer's."""
    email, password = _credentials(call)
    known = call.state.identities.get(email)
    if known is not None and (known["customer"] or known["password"] != password):
        raise MedusaRefusal(401, "unauthorized", "Identity with email already exists")
    identity = known or call.state.add_identity(email, password)
    return {"token": issue(call.state, identity)}


def refresh(call: MedusaCall) -> Json:
    """`POST /auth/token/refresh`: the old token lives on."""
    proven = bool(call.claims["mfa_challenge_completed_at"])
    return {"token": issue(call.state, _identity_of(call), actor=bool(call.claims["actor_id"]), proven=proven)}


def verify(call: MedusaCall) -> Json:
    """`POST /auth/mfa/challenges/{id}/verify`."""
    identity, challenge = _identity_of(call), call.state.challenges.get(call.ids[0])
    if challenge is None or challenge["identity"] != identity["email"]:
        raise missing(f'MFA challenge with id "{call.ids[0]}" was not found')
    if challenge["completed"]:
        raise MedusaRefusal(400, "not_allowed", "MFA challenge has already been completed")
    if challenge["attempts"] >= MAX_TRIES:
        raise MedusaRefusal(400, "not_allowed", "MFA challenge has too many failed attempts")
    if call.body["method"] not in {"totp", "recovery_code"}:
        raise invalid(f'MFA challenge does not support method "{call.body["method"]}"')
    if call.body["code"] != identity["second_factor"]:
        challenge["attempts"] += 1
        last = challenge["attempts"] >= MAX_TRIES
        message = "MFA challenge has too many failed attempts" if last else "Invalid MFA challenge code"
        raise MedusaRefusal(400, "not_allowed", message)
    challenge["completed"] = True
    return {"token": issue(call.state, identity, proven=True)}


def create_customer(call: MedusaCall) -> Json:
    """`POST /store/customers`, by the token of who has a password; that token stays without a customer."""
    if call.claims["actor_id"]:
        raise invalid("Request already authenticated as a customer.")
    identity = _identity_of(call)
    told = {name: call.body.get(name) for name in CUSTOMER_FIELDS}
    customer = call.state.add_customer(call.body["email"], has_account=True, **told)
    identity["customer"] = customer["id"]
    return {"customer": customer}


def get_me(call: MedusaCall) -> Json:
    """`GET /store/customers/me`."""
    return {"customer": _customer_of(call)}


def list_addresses(call: MedusaCall) -> Json:
    """`GET /store/customers/me/addresses`."""
    return _page(call, "addresses", _customer_of(call)["addresses"])


def add_address(call: MedusaCall) -> Json:
    """`POST /store/customers/me/addresses`: any part may be missing."""
    customer = _customer_of(call)
    switches = {name: bool(call.body.get(name)) for name in SWITCHES}
    told = {name: call.body.get(name) for name in ADDRESS_FIELDS}
    customer["addresses"].append({"id": call.state.id("cuaddr"), "customer_id": customer["id"], **told, **switches})
    return {"customer": customer}


def list_orders(call: MedusaCall) -> Json:
    """`GET /store/orders`: of the customer alone, the oldest first unless asked, with their metadata."""
    wanted = call.query.get("id")
    found = [
        {**shown_order(one), "metadata": one["kept"]["metadata"]}
        for one in call.state.orders.values()
        if one["kept"]["customer"] == call.claims["actor_id"] and (wanted is None or one["id"] in wanted)
    ]
    order = call.value("order", "id")
    found.sort(key=lambda one: str(one[order.removeprefix("-")]), reverse=order.startswith("-"))
    return _page(call, "orders", found)


def claim_cart(call: MedusaCall) -> Json:
    """`POST /store/carts/{id}/customer`: the cart takes the customer's e-mail address, unless it is theirs already.

    One that became an order is taken, too, which changes nothing of the order.
    """
    cart = call.state.carts.get(call.ids[0])
    if cart is None:
        raise missing(f"Cart id not found: {call.ids[0]}")
    customer = _customer_of(call)
    if cart["customer_id"] != customer["id"]:
        cart |= {"customer_id": customer["id"], "email": customer["email"]}
        drop_sessions(call.state, cart)
    return {"cart": cart_of(call.state, cart)}


def _credentials(call: MedusaCall) -> tuple[str, str]:
    email, password = call.body.get("email"), call.body.get("password")
    for name, value in (("Password", password), ("Email", email)):
        if not value or not isinstance(value, str):
            raise MedusaRefusal(401, "unauthorized", f"{name} should be a string")
    return email, password


def _identity_of(call: MedusaCall) -> Json:
    wanted = call.claims["auth_identity_id"]
    found = next((one for one in call.state.identities.values() if one["id"] == wanted), None)
    if found is None:
        raise missing(f"AuthIdentity with id: {wanted} was not found")
    return found


def _customer_of(call: MedusaCall) -> Json:
    found: Json | None = call.state.customers.get(call.claims["actor_id"])
    if found is None:
        raise missing(f"Customer id not found: {call.claims['actor_id']}")
    return found


def _page(call: MedusaCall, name: str, rows: list[Json]) -> Json:
    offset, limit = int(call.value("offset", "0")), int(call.value("limit", "50"))
    return {name: rows[offset : offset + limit], "count": len(rows), "offset": offset, "limit": limit}


ME = "/store/customers/me"
EMAILPASS = "/auth/customer/emailpass"
PAGING = ("limit", "offset", "order")
ROUTES = (
    Route(method="GET", path="/auth/customer/providers", handle=list_providers),
    Route(method="POST", path=EMAILPASS, handle=sign_in, lenient=True),
    Route(method="POST", path=f"{EMAILPASS}/register", handle=register, lenient=True),
    Route(method="POST", path="/auth/token/refresh", handle=refresh, lenient=True, actor="identity"),
    Route(
        method="POST",
        path="/auth/mfa/challenges/([^/]+)/verify",
        handle=verify,
        required=("method", "code"),
        actor="identity",
    ),
    Route(
        method="POST",
        path="/store/customers",
        handle=create_customer,
        required=("email",),
        body=(*CUSTOMER_FIELDS, "metadata"),
        actor="identity",
    ),
    Route(method="GET", path=ME, handle=get_me, actor="customer"),
    Route(method="GET", path=f"{ME}/addresses", handle=list_addresses, query=PAGING, actor="customer"),
    Route(
        method="POST",
        path=f"{ME}/addresses",
        handle=add_address,
        body=(*ADDRESS_FIELDS, *SWITCHES, "address_name", "metadata"),
        actor="customer",
    ),
    Route(method="GET", path="/store/orders", handle=list_orders, query=(*PAGING, "id", "status"), actor="customer"),
    Route(method="POST", path="/store/carts/([^/]+)/customer", handle=claim_cart, actor="customer"),
)
