"""Sign-in of buyers: clients, pending requests, grants, codes, tokens, epochs of customers."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "oauth_clients",
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("fetched_at", sa.Double, nullable=False),
        sa.Column("fresh_until", sa.Double, nullable=False),
        sa.Column("blocked_at", sa.Double),
    )
    op.create_index("ix_oauth_clients_fresh_until", "oauth_clients", ["fresh_until"])
    op.create_table(
        "oauth_requests",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("browser", sa.LargeBinary, nullable=False),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("tries", Whole, nullable=False),
        sa.Column("customer", sa.LargeBinary),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("ix_oauth_requests_expires_at", "oauth_requests", ["expires_at"])
    _create_grants()
    op.create_table(
        "oauth_codes",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("grant", sa.Text, nullable=False),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("used_at", sa.Double),
    )
    for column in ("grant", "expires_at"):
        op.create_index(f"ix_oauth_codes_{column}", "oauth_codes", [column])
    op.create_table(
        "oauth_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("grant", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("used_at", sa.Double),
        sa.Column("answer", sa.LargeBinary),
    )
    for column in ("grant", "expires_at", "used_at"):
        op.create_index(f"ix_oauth_tokens_{column}", "oauth_tokens", [column])
    op.create_table(
        "customer_epochs",
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("epoch", Whole, nullable=False),
    )


def _create_grants() -> None:
    op.create_table(
        "oauth_grants",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("mailbox", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("client_name", sa.Text, nullable=False),
        sa.Column("client_host", sa.Text, nullable=False),
        sa.Column("redirect_host", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("epoch", Whole, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("ended_why", sa.Text),
        sa.Column("shop", sa.LargeBinary),
        sa.Column("shop_until", sa.Double),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("fence", Whole, nullable=False),
    )
    op.create_index("ix_oauth_grants_expires_at", "oauth_grants", ["expires_at"])
    op.create_index("ix_oauth_grants_ended_at", "oauth_grants", ["ended_at"])
    op.create_index("oauth_grants_by_subject", "oauth_grants", ["store", "subject", "created_at"])
    op.create_index("oauth_grants_by_mailbox", "oauth_grants", ["store", "mailbox"])
