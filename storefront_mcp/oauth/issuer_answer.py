"""Answers of an OpenID provider, as a browser brings them in the query of our address (RFC 6749 §4.1.2, RFC 9207)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from storefront_mcp.oauth.sign_in_steps import SignInEnded

MAX_QUERY_BYTES: Final = 16 * 1024
MAX_PARAMETERS: Final = 30
MAX_STATE_CHARS: Final = 64
PARAMETERS: Final = frozenset({"code", "state", "iss", "error"})


def issuer_answer(query: bytes) -> tuple[str, Mapping[str, str]]:
    """The `state` of an answer and its other parameters that count. Raises SignInEnded for what is no answer.

    An empty parameter counts as none (RFC 6749 §3.1); with one that comes twice, nobody knows which is meant.
    """
    if len(query) > MAX_QUERY_BYTES:
        raise SignInEnded
    try:
        fields = parse_qsl(query.decode("ascii"), max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError:
        raise SignInEnded from None
    answer: dict[str, str] = {}
    for name, value in fields:
        if name in PARAMETERS:
            if name in answer:
                raise SignInEnded
            answer[name] = value
    state = answer.pop("state", "")
    if not 0 < len(state) <= MAX_STATE_CHARS:
        raise SignInEnded
    return state, answer
