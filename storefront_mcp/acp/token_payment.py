"""Payment of a session by a token: what `complete` sends, what a session says of it, and why one pays nothing."""

from collections.abc import Mapping
from typing import Any, Final

from storefront_mcp.access.credentials import Secret
from storefront_mcp.acp.errors import invalid_body
from storefront_mcp.agent_protocols.acp import ACP_SCHEMA_URL, CARD_HANDLER_VERSION
from storefront_mcp.checkout.token_payment import TokenProblem
from storefront_mcp.checkout_sessions import ProblemKind, SessionProblem
from storefront_mcp.payments.tokens import MAX_TOKEN_CHARS, TokenHandler

TOKEN_REFUSED: Final = "token_refused"  # noqa: S105 -- a problem's code
TOKEN_CHALLENGED: Final = "token_challenged"  # noqa: S105 -- a problem's code
TOKEN_NOT_TAKEN: Final = "token_not_taken"  # noqa: S105 -- a problem's code
TOTAL_CHANGED: Final = "total_changed"
REFUSAL_TEXTS: Final[Mapping[TokenProblem, str]] = {
    "unknown": "There is no such token for this shop. Nothing was charged.",
    "revoked": "The token was taken back or is used up. Nothing was charged.",
    "expired": "The token has expired. Nothing was charged.",
    "currency": "The token is for another currency. Nothing was charged.",
    "too_small": "The token allows less than the total. Nothing was charged.",
    "seller": "The token was granted to another shop. Nothing was charged.",
    "declined": "The payment was declined. Nothing was charged.",
    "changed": "The order is not as it was shown before, so nothing was charged. Complete it again if it is right.",
    "challenged": "The buyer's bank wants the buyer to confirm: the buyer has to open continue_url and pay there. "
    "Nothing was charged.",
    "not_payable": "This checkout takes no token: the buyer has to open continue_url and pay there.",
}
SPEC_URL: Final = (
    "https://github.com/agentic-commerce-protocol/agentic-commerce-protocol/blob/main/rfcs/rfc.payment_handlers.md"
)


def read_token(body: Mapping[str, Any], handler: TokenHandler) -> Secret | None:
    """The token in the `payment_data` of a body; None where there is none. Raises AcpError for one of another kind."""
    payment = body.get("payment_data")
    if not payment:
        return None
    if not isinstance(payment, Mapping):
        raise invalid_body("payment_data is an object.", "$.payment_data")
    if payment.get("handler_id") != handler.id:
        raise invalid_body(f"handler_id is {handler.id}.", "$.payment_data.handler_id")
    credential = _member(_member(payment, "instrument", "$.payment_data"), "credential", "$.payment_data.instrument")
    param = "$.payment_data.instrument.credential"
    if credential.get("type") != handler.credential:
        raise invalid_body(f"The type of the credential is {handler.credential}.", f"{param}.type")
    token = credential.get("token")
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_CHARS:
        raise invalid_body(f"token is a text of at most {MAX_TOKEN_CHARS} characters.", f"{param}.token")
    return Secret(token)


def _member(body: Mapping[str, Any], name: str, param: str) -> Mapping[str, Any]:
    found = body.get(name)
    if not isinstance(found, Mapping):
        raise invalid_body(f"{name} is an object.", f"{param}.{name}")
    return found


def token_problem(cause: TokenProblem) -> SessionProblem:
    """Why a token has paid nothing, as a problem of the session."""
    codes = {"challenged": TOKEN_CHALLENGED, "not_payable": TOKEN_NOT_TAKEN, "changed": TOTAL_CHANGED}
    code = codes.get(cause, TOKEN_REFUSED)
    kind: ProblemKind = "buyer_input" if cause in {"challenged", "not_payable"} else "recoverable"
    return SessionProblem(code=code, field="payment", text=REFUSAL_TEXTS[cause], kind=kind)


def handler_view(handler: TokenHandler) -> dict[str, Any]:
    """The handler as sessions name it."""
    return {
        "id": handler.id,
        "name": "dev.acp.tokenized.card",
        "version": CARD_HANDLER_VERSION,
        "spec": SPEC_URL,
        "requires_delegate_payment": True,
        "requires_pci_compliance": False,
        "psp": handler.provider,
        "config_schema": ACP_SCHEMA_URL,
        "instrument_schemas": [ACP_SCHEMA_URL],
        "config": {"merchant_id": handler.merchant, "psp": handler.provider},
    }
