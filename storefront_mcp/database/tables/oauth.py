"""Tables of the sign-in of buyers: clients, pending requests, grants, codes, tokens, and epochs of customers."""

from typing import Final

from sqlalchemy import Column, Double, Index, LargeBinary, Table, Text

from storefront_mcp.database.tables.metadata import METADATA, Whole

OAUTH_CLIENTS: Final = Table(
    "oauth_clients",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("fetched_at", Double, nullable=False),
    Column("fresh_until", Double, nullable=False, index=True),
    Column("blocked_at", Double),
)
"""Metadata documents of clients, and clients that an operator has blocked. Registered clients have no row."""

OAUTH_REQUESTS: Final = Table(
    "oauth_requests",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("store", Text, nullable=False),
    Column("browser", LargeBinary, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("step", Text, nullable=False),
    Column("tries", Whole, nullable=False),
    Column("customer", LargeBinary),
    Column("subject", Text, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    Column("holder", LargeBinary),
    Index("oauth_requests_by_holder", "holder", "expires_at"),
)
"""Pending authorization requests; `request` is JSON, `customer` is encrypted, `holder` is as of carts."""

OAUTH_GRANTS: Final = Table(
    "oauth_grants",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("store", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("client_name", Text, nullable=False),
    Column("client_host", Text, nullable=False),
    Column("redirect_host", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("epoch", Whole, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double),
    Column("expires_at", Double, nullable=False, index=True),
    Column("ended_at", Double, index=True),
    Column("ended_why", Text),
    Column("shop", LargeBinary),
    Column("shop_until", Double),
    Column("lease_until", Double, nullable=False),
    Column("fence", Whole, nullable=False),
    Column("holder", LargeBinary),
    Index("oauth_grants_by_subject", "store", "subject", "created_at"),
    Index("oauth_grants_by_mailbox", "store", "mailbox"),
)
"""`shop` is the shop session, encrypted, NULL once the grant has ended; scopes are separated by spaces; `holder` is as
of carts, of the person who gave it."""

OAUTH_CODES: Final = Table(
    "oauth_codes",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("store", Text, nullable=False),
    Column("grant", Text, nullable=False, index=True),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    Column("used_at", Double),
)
"""Authorization codes; a used one is kept for a day, to be known when it comes again."""

OAUTH_TOKENS: Final = Table(
    "oauth_tokens",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("grant", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    Column("used_at", Double, index=True),
    Column("answer", LargeBinary),
)
"""Access and refresh tokens; `answer` is what a used refresh token gave, encrypted, until its grace is over."""

CUSTOMER_EPOCHS: Final = Table(
    "customer_epochs",
    METADATA,
    Column("store", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("epoch", Whole, nullable=False),
)
"""How often all grants of a customer were voided at once, or, with an empty subject, of all customers of a store."""
