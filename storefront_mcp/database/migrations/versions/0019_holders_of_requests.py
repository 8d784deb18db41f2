"""Pending authorization requests are bounded by client."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the column."""
    op.add_column("oauth_requests", sa.Column("holder", sa.LargeBinary))
    op.create_index("oauth_requests_by_holder", "oauth_requests", ["holder", "expires_at"])
