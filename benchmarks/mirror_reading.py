"""What a worker pays for reading a mirror's index: `python -m benchmarks.mirror_reading FOLDER`, for `mirror_sizes`.

Nothing here loads the search library before the first measurement, as its memory counts.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.catalogue_products import CURRENCY, LOCALE, QUERIES
from storefront_mcp.catalogue.query.language import language_words
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.commerce.search import SearchQuery

KB_PER_MB: Final = 1000 / 1.024
"""Of kibibytes."""


class ReadMirror(Struct, frozen=True):
    """What a worker pays for reading it, once every query was asked."""

    resident: float
    """Megabytes more than without it, mapped files included."""
    private: float
    """Megabytes of those that no other worker shares."""
    words: float
    """Milliseconds of processor time to read its words, when it is first asked and once a minute while it changes."""


def read(root: Path) -> ReadMirror:
    """Open an index as a worker does, and ask it everything."""
    before = memory()
    search = opened(root)
    began = time.process_time()
    assert search.index.lexicon is not None
    words = time.process_time() - began
    for query in QUERIES:
        search.search(SearchQuery(text=query.text, size=10))
    after = memory()
    return ReadMirror(
        resident=after["VmRSS"] - before["VmRSS"], private=after["RssAnon"] - before["RssAnon"], words=words * 1e3
    )


def opened(root: Path) -> CatalogueSearch:
    """The search over an index; only now the library is loaded."""
    from storefront_mcp.catalogue.tantivy_engine.reader import TantivyIndex  # noqa: PLC0415 -- its memory counts
    from storefront_mcp.catalogue.tantivy_engine.schema import snowball_stem  # noqa: PLC0415 -- its memory counts

    return CatalogueSearch(TantivyIndex(root, locale=LOCALE), language_words(LOCALE, snowball_stem(LOCALE)), CURRENCY)


def memory() -> Mapping[str, float]:
    """Megabytes of this process by their names in `/proc`."""
    lines = (line.partition(":") for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return {name: int(text.split()[0]) / KB_PER_MB for name, _, text in lines if name in {"VmRSS", "RssAnon"}}


if __name__ == "__main__":
    print(msgspec.json.encode(read(Path(sys.argv[1]))).decode())
