"""What every test would do anew, and none is about: done once in each process."""

import contextlib
import functools
import gc
import os
import ssl
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import httpx._transports.default
from hypothesis.internal.conjecture import providers

from tests.often import is_quick

if TYPE_CHECKING:
    from storefront_mcp.database.sqlite import SqliteDriver

GC_THRESHOLDS: Final = (10_000, 20, 20)
"""Tests make much and keep little: with Python's own thresholds a twentieth of their time is spent on cycles."""


@functools.cache
def _tls_context(_file: str | None, _folder: str | None, **options: Any) -> ssl.SSLContext:
    return httpx.create_ssl_context(**options)


def _shared_tls_context(**options: Any) -> ssl.SSLContext:
    return _tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"), **options)


def spare() -> None:
    """Let httpx's clients share a TLS context, Litestar look for no plugin that is not there, cycles wait longer."""
    # Each client would read all certificate authorities: 15 ms of the processor, also where it will speak plain HTTP.
    httpx._transports.default.create_ssl_context = _shared_tls_context
    # It needs a package that is not installed, and would be executed up to there for each application.
    sys.modules.setdefault("litestar.plugins.opentelemetry", None)  # type: ignore[arg-type]  # as importlib has it
    gc.set_threshold(*GC_THRESHOLDS)


def spare_constants() -> None:
    """Where it tries a few examples only, let Hypothesis not read all of our modules for constants to try."""
    # Half a second of the processor in each process, and several where it has not done so before.
    if is_quick():
        providers._get_local_constants = providers.Constants


def spare_tables() -> None:
    """Let a new file of SQLite begin as a copy of one that has its tables, as creating ninety of these takes 13 ms.

    Nothing is done where no test imports it. What is there without the copy is `SqliteDriver.prepare.__wrapped__`.
    """
    imported = sys.modules.get("storefront_mcp.database.sqlite")
    if imported is None or hasattr(imported.SqliteDriver.prepare, "__wrapped__"):
        return
    prepare = imported.SqliteDriver.prepare

    @functools.wraps(prepare)
    def prepare_copy(driver: "SqliteDriver") -> None:
        if not driver._read_only and not driver._path.exists():
            # Where that fails, so does what comes next, and says it.
            with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=driver._path.parent) as file:
                file.write(_new_database())
                file.flush()
                os.link(file.name, driver._path)
        prepare(driver)

    imported.SqliteDriver.prepare = prepare_copy


@functools.cache
def _new_database() -> bytes:
    """What is in the file of a new database: all tables, and nothing in them."""
    from storefront_mcp.database import Database  # noqa: PLC0415 -- not where no test needs one

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        path.touch()
        Database(path).close()
        return path.read_bytes()
