"""Carts of signed-in customers have an owner."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the column."""
    op.add_column("carts", sa.Column("owner", sa.Text))
