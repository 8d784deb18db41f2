"""What the mirror's index costs beside the demo shop's own SQLite with FTS5, over the same products.

`python -m benchmarks.catalogue [--products N] [--rounds N]`, or `make bench ARGS=--catalogue`. One process, processor
time of all its threads, each query asked of everybody in turn; only ratios within a run are worth anything.
"""

import asyncio
import datetime as dt
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

import click
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.catalogue_products import CURRENCY, LOCALE, QUERIES, catalogue_of
from benchmarks.remembered import ASKS, FRESHNESS, SHARED, fixed_shop, measure, own_redis
from storefront_mcp.catalogue.cache import CatalogueCache
from storefront_mcp.catalogue.cache_memory import CacheMemory
from storefront_mcp.catalogue.cache_reader import CatalogueCacheReader
from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import CatalogueIndex
from storefront_mcp.catalogue.index_query import IndexQuery
from storefront_mcp.catalogue.mirrored_reader import MirroredCatalogueReader
from storefront_mcp.catalogue.query.language import language_words
from storefront_mcp.catalogue.query.phrases import read_phrases
from storefront_mcp.catalogue.query.relaxation import search_attempts
from storefront_mcp.catalogue.query.understanding import WordReader
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.catalogue.tantivy_engine.reader import TantivyIndex
from storefront_mcp.catalogue.tantivy_engine.schema import snowball_stem
from storefront_mcp.catalogue.tantivy_engine.writer import TantivyIndexWriter
from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.demo.search import ProductIndex, ProductQuery

PRODUCTS: Final = 20_000
SIZE: Final = 10
"""Hits of a page."""
COMMITTED: Final = 100
"""Changed products of one commit."""
FTS5, MIRROR, ENGINE, FACETS, RELATED = (
    "demo shop's FTS5: ids and count",
    "mirror: understood, searched, ten summaries",
    "its engine alone",
    "its engine, with facets",
    "products like one",
)
REPEATS: Final = 2000
ASKS_NOBODY_MICROSECONDS: Final = 44
"""Of processor time, of a whole call that asks nobody, in the tables of `make bench`: hits may add 15 % to it."""


class CatalogueFigure(Struct, frozen=True):
    """A row: what it is, what it came to, and what was wanted of it, where anything was."""

    name: str
    found: str
    wanted: str = ""
    met: bool | None = None


class StandingMirror:
    """A mirror that does not change."""

    stale = False
    as_of = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)

    def __init__(self, index: CatalogueIndex) -> None:
        self.index = index

    async def wait_until_ready(self) -> None:
        """It is what it is."""

    def request(self, keys: Iterable[str]) -> None:
        """Nothing is read anew."""


def figures(products: int, rounds: int) -> Iterator[CatalogueFigure]:
    """Build both indexes and measure them."""
    catalogue, documents = catalogue_of(products)
    began = time.process_time()
    demo = ProductIndex(catalogue, lambda product: product.stock > 0)
    demo_built = time.process_time() - began
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        built, committed = build_index(root, documents)
        taken = sum(one.stat().st_size for one in root.rglob("*") if one.is_file())
        yield bounded("build, ms CPU a product", built / products * 1e3, 0.25, "{:.3f}")
        yield CatalogueFigure("the same, demo shop's FTS5", f"{demo_built / products * 1e3:.3f}")
        yield bounded("on disk, MB", taken / 1e6, 10 * products / 20_000, "{:.1f}")
        yield bounded(f"commit of {COMMITTED} changed products, ms CPU", committed * 1e3, 50, "{:.0f}")
        index = TantivyIndex(root, locale=LOCALE)
        search = CatalogueSearch(index, language_words(LOCALE, snowball_stem(LOCALE)), CURRENCY)
        yield from _searches(demo, search, rounds)
        yield from asyncio.run(_remembered(index, rounds))
        with fixed_shop() as shop, own_redis() as redis_url:
            yield from _beside_the_shop(search, asyncio.run(measure(rounds, shop, redis_url)), rounds)


def build_index(root: Path, documents: Sequence[CatalogueDocument]) -> tuple[float, float]:
    """Seconds of processor time to index everything, and to commit a hundred changes."""
    writer = TantivyIndexWriter(root, locale=LOCALE)
    began = time.process_time()
    writer.begin(1)
    writer.put(documents)
    writer.swap()
    built = time.process_time() - began
    began = time.process_time()
    writer.begin(1)
    writer.put(documents[:COMMITTED])
    writer.commit()
    committed = time.process_time() - began
    writer.close()
    return built, committed


def _searches(demo: ProductIndex, search: CatalogueSearch, rounds: int) -> Iterator[CatalogueFigure]:
    """Each query of everybody in turn."""
    index = search.index
    costs: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds + 1):  # the first one warms up
        for query in QUERIES:
            question = question_of(search, query.text)
            document = index.search(replace(question, size=1)).hits[0].document
            asked = ProductQuery(text=query.text)
            askers: dict[str, Callable[[], object]] = {
                FTS5: lambda asked=asked: (demo.find(asked, offset=0, limit=SIZE), demo.count(asked)),  # type: ignore[misc]
                MIRROR: lambda text=query.text: search.search(SearchQuery(text=text, size=SIZE)),  # type: ignore[misc]
                ENGINE: lambda question=question: index.search(question),  # type: ignore[misc]
                FACETS: lambda question=question: index.search(replace(question, facets=True)),  # type: ignore[misc]
                RELATED: lambda document=document: index.similar(document, limit=4),  # type: ignore[misc]
            }
            for name, ask in askers.items():
                costs[name][query.text].append(cost(ask))
    # What disturbs a busy machine only ever adds, so the best round tells most.
    best = {name: {text: min(found[1:]) for text, found in of.items()} for name, of in costs.items()}
    plain = [query.text for query in QUERIES if query.kind == "plain"]
    p50 = {name: statistics.median(found[text] for text in plain) for name, found in best.items()}
    p99 = {name: max(found.values()) for name, found in best.items()}
    for name, micros in p50.items():
        yield CatalogueFigure(f"{name}, µs CPU, p50 of plain words", f"{micros:.0f}")
    yield CatalogueFigure(f"{FTS5}, µs CPU, the dearest of all", f"{p99[FTS5]:.0f}")
    for kind in dict.fromkeys(query.kind for query in QUERIES):
        found = [best[MIRROR][query.text] for query in QUERIES if query.kind == kind]
        yield CatalogueFigure(f"{MIRROR}, µs CPU, {kind}", f"{statistics.median(found):.0f}")
    yield bounded("mirror of FTS5, plain words, p50", p50[MIRROR] / p50[FTS5], 0.35)
    yield bounded("mirror of FTS5, the dearest of all queries", p99[MIRROR] / p99[FTS5], 0.15)
    yield bounded("engine alone of FTS5, plain words, p50", p50[ENGINE] / p50[FTS5], 0.15)
    yield bounded("with facets, of the same without", p50[FACETS] / p50[ENGINE], 3.0)


def question_of(search: CatalogueSearch, text: str) -> IndexQuery:
    """What the engine is asked for a text, in its first attempt that finds anything."""
    phrases = read_phrases(text, CURRENCY)
    words = WordReader(language_words(LOCALE, snowball_stem(LOCALE)), search.index.lexicon).read(phrases.text)
    for attempt in search_attempts(words, narrowed=True):
        question = IndexQuery(groups=attempt.groups, required=attempt.required, size=SIZE)
        if search.index.search(question).total:
            return question
    return IndexQuery(size=SIZE)


async def _remembered(index: CatalogueIndex, rounds: int) -> Sequence[CatalogueFigure]:
    """Reads that were asked before, by the mirror's reader and by the cache in front of it."""
    language = language_words(LOCALE, snowball_stem(LOCALE))
    # The shop is not asked for what the mirror answers.
    mirror = MirroredCatalogueReader(cast("CatalogueReader", None), StandingMirror(index), lambda: language, CURRENCY)
    cache = CatalogueCacheReader(mirror, CatalogueCache("bench", CacheMemory(max_bytes=10**7)), FRESHNESS)
    readers: dict[str, CatalogueReader] = {"mirror, asked before": mirror, "cache, a hit": cache}
    query = SearchQuery(text=QUERIES[0].text, size=SIZE)
    costs: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, reader in readers.items():
            costs[name].append(await _repeated(lambda reader=reader: reader.search(query)))  # type: ignore[misc]
    most = ASKS_NOBODY_MICROSECONDS * 0.15
    return [bounded(f"{name}, µs CPU", statistics.median(found), most, "{:.1f}") for name, found in costs.items()]


def _beside_the_shop(
    search: CatalogueSearch, reads: Mapping[str, Sequence[float]], rounds: int
) -> Iterator[CatalogueFigure]:
    """What a search costs beside asking a shop on the same machine for ten products, and beside the shared cache.

    `reads` are microseconds by where the answer came from.
    """
    plain = [SearchQuery(text=query.text, size=SIZE) for query in QUERIES if query.kind == "plain"]
    costs = [min(cost(lambda query=query: search.search(query)) for _ in range(rounds)) for query in plain]  # type: ignore[misc]
    asked = min(reads[ASKS])
    yield CatalogueFigure("asking the shop for ten products, µs CPU", f"{asked:.0f}")
    yield bounded("mirror, plain words, p50, of asking the shop", statistics.median(costs) / asked, 1.0)
    if SHARED in reads:
        yield bounded("cache, from Valkey or Redis, of asking the shop", min(reads[SHARED]) / asked, 0.5)


async def _repeated(read: Callable[[], Awaitable[object]]) -> float:
    """Microseconds of processor time of a read that has been made before."""
    await read()
    began = time.process_time_ns()
    for _ in range(REPEATS):
        await read()
    return (time.process_time_ns() - began) / REPEATS / 1e3


def cost(ask: Callable[[], object]) -> float:
    """Microseconds of processor time."""
    began = time.process_time_ns()
    ask()
    return (time.process_time_ns() - began) / 1e3


def bounded(name: str, found: float, most: float, form: str = "{:.2f}") -> CatalogueFigure:
    return CatalogueFigure(name, form.format(found), f"≤ {most:g}", found <= most)


def table(found: Iterable[CatalogueFigure]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield "| | measured | wanted | |"
    yield "| --- | ---: | ---: | --- |"
    for one in found:
        told = "" if one.met is None else "met" if one.met else "not met"
        yield f"| {one.name} | {one.found} | {one.wanted} | {told} |"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--products", default=PRODUCTS, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50))
def main(products: int, rounds: int) -> None:
    """Measure the mirror's index beside the demo shop's SQLite, and print the table."""
    for line in table(figures(products, rounds)):
        click.echo(line)


if __name__ == "__main__":
    main()
