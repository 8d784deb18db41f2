"""Requests of the token and revocation endpoints (RFC 6749 §4.1.3 and §6, RFC 7009): parameters and their checks."""

import base64
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.authorization import canonical_resource
from storefront_mcp.oauth.errors import EndpointRefusal

FORM_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FORM_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 50
MAX_VALUE_CHARS: Final = 4096
VERIFIER_PATTERN: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""RFC 7636 §4.1."""


class FormParameters:
    """Parameters of a form, each at most once; an empty one counts as none."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, name: str) -> str | None:
        """The value of a parameter."""
        return self._values.get(name)

    def require(self, name: str) -> str:
        """The value of a parameter. Raises EndpointRefusal."""
        value = self.get(name)
        if value is None:
            raise EndpointRefusal("invalid_request", f"{name} is missing.")
        return value


def form_parameters(content_type: str, body: bytes, authorization: str = "") -> FormParameters:
    """The parameters of a form, with what its client says of itself in a header (RFC 6749 §2.3.1).

    Raises EndpointRefusal.
    """
    if content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        raise EndpointRefusal("invalid_request", f"Send {FORM_TYPE}.")
    if len(body) > MAX_FORM_BYTES:
        raise EndpointRefusal("invalid_request", f"A form has at most {MAX_FORM_BYTES} bytes here.")
    try:
        fields = parse_qsl(body.decode("ascii"), max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise EndpointRefusal("invalid_request", "This form cannot be read.") from None
    values: dict[str, str] = {}
    for name, value in fields:
        if name in values:
            raise EndpointRefusal("invalid_request", f"{name[:40]} comes twice; send it once.")
        if len(value) > MAX_VALUE_CHARS:
            raise EndpointRefusal("invalid_request", f"{name[:40]} is too long.")
        values[name] = value
    id_, secret = _basic_credentials(authorization)
    # Public clients send all kinds of things there.
    if id_ and secret and values.get("client_id", id_) == id_:
        if "client_secret" in values:
            raise EndpointRefusal("invalid_request", "Send the secret once: in the header or in the form.")
        values |= {"client_id": id_, "client_secret": secret}
    return FormParameters(values)


def _basic_credentials(authorization: str) -> tuple[str, str]:
    """Client and secret of an Authorization header; empty for any other."""
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic" or len(encoded) > MAX_VALUE_CHARS:
        return "", ""
    try:
        id_, _, secret = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(id_), unquote_plus(secret)


def requested_resource(store: Store, form: FormParameters) -> str | None:
    """The resource that is asked for, in one spelling; None for none or the whole origin. Raises EndpointRefusal."""
    said = form.get("resource")
    if said is None or said.rstrip("/") == store.origin:
        return None
    resource = canonical_resource(store, said)
    if resource is None:
        raise EndpointRefusal("invalid_target", f"Tokens are issued for {store.endpoint} only.")
    return resource


def code_verifier(form: FormParameters) -> str:
    """The code verifier. Raises EndpointRefusal."""
    verifier = form.require("code_verifier")
    if VERIFIER_PATTERN.fullmatch(verifier) is None:
        raise EndpointRefusal("invalid_grant", "A code_verifier has 43 to 128 characters (RFC 7636 §4.1).")
    return verifier
