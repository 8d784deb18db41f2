"""Sandbox payments have a digest of the addresses of return, not the addresses: those are secrets of the buyer."""

import hashlib

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

SLIPS = sa.table("sandbox_slips", sa.column("id", sa.Text), sa.column("slip", sa.LargeBinary))


def upgrade() -> None:
    """Replace them in every row."""
    connection = op.get_bind()
    for id_, slip in connection.execute(sa.select(SLIPS.c.id, SLIPS.c.slip)).fetchall():
        fields = msgspec.json.decode(slip)
        addresses = (fields.pop("return_url"), fields.pop("cancel_url"))
        fields["link_digest"] = hashlib.sha256(msgspec.json.encode(addresses)).hexdigest()
        row = sa.update(SLIPS).where(SLIPS.c.id == id_)
        connection.execute(row.values(slip=msgspec.json.encode(fields)))
