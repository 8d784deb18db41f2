"""API keys: `sfm_` in the format of all secrets that this server issues."""

import datetime as dt
import secrets
from typing import Final

from storefront_mcp.access import secret_format
from storefront_mcp.access.credentials import DEFAULT_KEY_LIFETIME, ApiKey, IssuedKey, Secret
from storefront_mcp.access.secret_format import Random, new_public_id, secret_digest, secret_pattern, secret_text
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.plain_text import visible_line

KEY_PREFIX: Final = "sfm_"
"""Secret scanners find leaked keys by it."""
KEY_PATTERN: Final = secret_pattern(KEY_PREFIX)


def mint_key(
    *,
    store: StoreId,
    label: str,
    scopes: frozenset[str],
    by: str,
    now: dt.datetime,
    lifetime: dt.timedelta = DEFAULT_KEY_LIFETIME,
    random: Random = secrets.token_bytes,
) -> IssuedKey:
    """Generate a key. It is valid once its record and digest are stored.

    Of the label everything goes that cannot be seen, as in copies of keys that were minted before that was checked.
    """
    id_ = new_public_id(random)
    text = secret_text(KEY_PREFIX, id_, random)
    now = now.astimezone(dt.UTC).replace(microsecond=0)
    key = ApiKey(
        id=id_,
        store=store,
        label=visible_line(label),
        scopes=scopes,
        epoch=0,
        created_at=now,
        created_by=by,
        expires_at=now + lifetime,
    )
    return IssuedKey(key=key, secret=Secret(text), digest=secret_digest(text))


def public_id(text: str) -> str:
    """The public id in a key. Raises MalformedSecret."""
    return secret_format.public_id(text, KEY_PATTERN, "API key")
