"""The coupon that a cart had last."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column."""
    op.add_column("carts", sa.Column("coupon", sa.Text))
