"""Tokens of the stand-in: JWT by HS256, which live for a day and cannot be ended."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.medusa.answers import MedusaRefusal
from tests.fakes.medusa.state import MedusaState
from tests.fakes.medusa.stock import Json

UNAUTHORIZED = "Unauthorized"
NO_SECOND_FACTOR = "MFA verification is required to complete this request"


def issue(state: MedusaState, identity: Json, *, actor: bool = True, proven: bool = False) -> str:
    """A token of an identity: of its customer, unless more has to be proven first."""
    customer = identity["customer"] if actor else None
    began = int(state.clock())
    claims = {
        "actor_id": customer or "",
        "actor_type": "customer",
        "auth_identity_id": identity["id"],
        "auth_provider": "emailpass",
        "mfa_enabled": identity["second_factor"] is not None,
        "mfa_challenge_completed_at": "2026-01-15T10:00:00.000Z" if proven else None,
        "app_metadata": {"customer_id": customer} if customer else {},
        "user_metadata": {},
        "iat": began,
        "exp": began + state.token_seconds,
    }
    head = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{head}.{_signature(state, head)}"


def claims_of(state: MedusaState, authorization: str) -> Json | None:
    """What a bearer token says; None for one that is over, or not this shop's."""
    kind, _, token = authorization.partition(" ")
    head, _, signature = token.rpartition(".")
    if kind.lower() != "bearer" or not head or not hmac.compare_digest(signature, _signature(state, head)):
        return None
    body = head.partition(".")[2]
    claims: Json = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims if claims["exp"] > state.clock() else None


def let_in(state: MedusaState, authorization: str, *, unregistered: bool) -> Json:
    """Whom a token lets in: customers, or whoever has a password where those are `unregistered`."""
    claims = claims_of(state, authorization)
    if claims is not None and claims["mfa_enabled"] and not claims["mfa_challenge_completed_at"] and not unregistered:
        raise _refusal(NO_SECOND_FACTOR)
    if claims is None or not (claims["actor_id"] or unregistered):
        raise _refusal(UNAUTHORIZED)
    return claims


def _refusal(message: str) -> MedusaRefusal:
    """A refusal without a type, unlike all others."""
    refused = MedusaRefusal(401, "", message)
    refused.body = {"message": message}
    return refused


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def _signature(state: MedusaState, head: str) -> str:
    made = hmac.digest(state.jwt_secret.encode(), head.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
