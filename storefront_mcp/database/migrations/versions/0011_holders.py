"""A digest of the client's address at carts, stored answers and checkouts, by which each client is bounded."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add it; rows that are there have none."""
    for table in ("carts", "replays"):
        op.add_column(table, sa.Column("holder", sa.LargeBinary))
        op.create_index(f"{table}_by_holder", table, ["holder", "expires_at"])
    op.add_column("checkouts", sa.Column("holder", sa.LargeBinary))
    op.create_index("checkouts_by_holder", "checkouts", ["holder", "created_at"])
