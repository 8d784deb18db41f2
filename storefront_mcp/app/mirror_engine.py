"""Which search engine mirrors are kept in, and where."""

import os
import secrets
from collections.abc import Callable
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from storefront_mcp.catalogue.index import CatalogueIndex, CatalogueIndexWriter
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.settings.catalogue import CatalogueSettings
from storefront_mcp.settings.schema import StoreSettings

MIRROR_SCHEMA: Final = 1
"""Of the ledger and of what documents are made of; a higher one begins in a folder of its own."""
PLACE_FILE: Final = "place"
ENGINE: Final = "tantivy"


class MirrorEngineMissing(Exception):
    """A mirror is on, but the extra `mirror` is not installed."""

    def __init__(self) -> None:
        super().__init__('store.mirror.on needs a search library: pip install "storefront-mcp[mirror]"')


def has_engine() -> bool:
    """Whether the search library is there."""
    return find_spec(ENGINE) is not None


def check_engine(settings: StoreSettings) -> None:
    """Raise MirrorEngineMissing for a store whose mirror is on without it."""
    if settings.mirror.on and not has_engine():
        raise MirrorEngineMissing


def mirror_folder(catalogue: CatalogueSettings, store: StoreSettings) -> Path:
    """Where a store's mirror is: another folder for another shop, view of it, currency, language or release."""
    upstream = store.upstream
    view = (upstream.store_code, upstream.region, upstream.publishable_key, upstream.consumer_key)
    identity = (MIRROR_SCHEMA, upstream.kind, upstream.url, *view, store.currency, store.locale)
    name = blake2b(msgspec.json.encode(identity), digest_size=6).hexdigest()
    return catalogue.path / store.id / name


def known_place(catalogue: CatalogueSettings, store: StoreId) -> str | None:
    """The id of a store's folder, as `mirror_place` made it; None where there is none on this machine."""
    path = catalogue.path / store / PLACE_FILE
    return path.read_text(encoding="ascii").strip() if path.exists() else None


def mirror_place(catalogue: CatalogueSettings, store: StoreId) -> str:
    """The random id of a store's folder, made at its first use: two machines have two. Raises OSError."""
    folder = catalogue.path / store
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / PLACE_FILE
    if not path.exists():
        half = folder / f"{PLACE_FILE}-{secrets.token_hex(4)}"
        half.write_text(secrets.token_hex(8), encoding="ascii")
        try:
            os.link(half, path)
        except FileExistsError:
            pass  # another process was faster, and its id counts
        finally:
            half.unlink()
    return path.read_text(encoding="ascii").strip()


def index_opener(folder: Path, locale: str) -> Callable[[], CatalogueIndex]:
    """Opens the index in a folder for reading; the library is loaded when it is first called."""

    def open_index() -> CatalogueIndex:
        from storefront_mcp.catalogue.tantivy_engine.reader import TantivyIndex  # noqa: PLC0415 -- an extra

        return TantivyIndex(folder, locale=locale)

    return open_index


def index_writer(locale: str) -> Callable[[Path], CatalogueIndexWriter]:
    """Opens the index in a folder for writing."""

    def open_writer(folder: Path) -> CatalogueIndexWriter:
        from storefront_mcp.catalogue.tantivy_engine.writer import TantivyIndexWriter  # noqa: PLC0415 -- an extra

        return TantivyIndexWriter(folder, locale=locale)

    return open_writer
