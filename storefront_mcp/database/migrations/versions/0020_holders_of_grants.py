"""Customers are known to have signed in from a client address before."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the column."""
    op.add_column("oauth_grants", sa.Column("holder", sa.LargeBinary))
