"""Alembic migrations, which bring an older schema to the current one.

One file per step in `versions`, called `<revision>_<what>.py` with a revision of four digits, one more than the last;
its `down_revision` is the revision before. A step spells out what it creates, as the tables will have moved on when it
runs; a test holds that all steps together give exactly what `database.tables` says, on SQLite and on PostgreSQL.
It runs in one transaction and must suit both. Nothing goes back: an older version is had by restoring a backup.

Alembic runs them, and is imported only when there is something to do.
"""
