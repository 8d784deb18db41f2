"""What a mirror costs by its number of products: `python -m benchmarks.mirror_sizes [--products N]… [--rounds N]`.

The index of each size is built by one process and read by another, so that each one's memory is its own. Then one
process asks all of them the same 38 queries in turn, the best of some rounds each. Part of `make bench ARGS=--scale`.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec import Struct

from benchmarks import mirror_reading
from benchmarks.catalogue import SIZE, CatalogueFigure, bounded, build_index, cost, question_of, table
from benchmarks.catalogue_products import QUERIES, catalogue_of
from benchmarks.mirror_reading import ReadMirror, opened
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.commerce.search import SearchQuery

SIZES: Final = (10_000, 20_000, 50_000, 200_000)
JUDGED: Final = 20_000
"""The size that the marks are for; searches of the largest are compared with it."""
TIMES_OF_LARGEST: Final = 4.0


class BuiltMirror(Struct, frozen=True):
    """What one index cost to build."""

    build: float
    """Milliseconds of processor time a product."""
    commit: float
    """Milliseconds of processor time of a commit of a hundred changes."""
    disk: float
    """Megabytes."""


def build(root: Path, products: int) -> BuiltMirror:
    """Build an index."""
    spent, committed = build_index(root, catalogue_of(products)[1])
    disk = sum(one.stat().st_size for one in root.rglob("*") if one.is_file())
    return BuiltMirror(build=spent / products * 1e3, commit=committed * 1e3, disk=disk / 1e6)


def in_a_process(module: str, *arguments: str) -> bytes:
    """What a module prints, run in a fresh process."""
    return subprocess.run([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, check=True).stdout


def figures(sizes: Sequence[int], rounds: int) -> Iterator[CatalogueFigure]:
    """Every row of the table, those with a mark judged."""
    with tempfile.TemporaryDirectory() as folder:
        roots = {size: Path(folder) / str(size) for size in sizes}
        for size, root in roots.items():
            root.mkdir()
            made = msgspec.json.decode(
                in_a_process("benchmarks.mirror_sizes", "--build", str(root), "--products", str(size)), type=BuiltMirror
            )
            told = msgspec.json.decode(in_a_process(mirror_reading.__name__, str(root)), type=ReadMirror)
            rows = (
                ("build, ms CPU a product", made.build, "{:.3f}", 0.25),
                ("on disk, MB", made.disk, "{:.1f}", 10),
                ("commit of 100 changes, ms CPU", made.commit, "{:.0f}", 50),
                ("a worker, MB more", told.resident, "{:.0f}", 60),
                ("of these its own, MB", told.private, "{:.0f}", None),
                ("its words read, ms CPU", told.words, "{:.0f}", None),
            )
            for name, value, form, most in rows:
                if size == JUDGED and most is not None:
                    yield bounded(f"{size:,} products: {name}", value, most, form)
                else:
                    yield CatalogueFigure(f"{size:,} products: {name}", form.format(value))
        yield from _searches({size: opened(root) for size, root in roots.items()}, rounds)


def _searches(searches: Mapping[int, CatalogueSearch], rounds: int) -> Iterator[CatalogueFigure]:
    """Each query of every size in turn."""
    found: dict[int, dict[str, Sequence[float]]] = {size: {} for size in searches}
    for query in QUERIES:
        asked = SearchQuery(text=query.text, size=SIZE)
        rounds_of: dict[int, list[tuple[float, float]]] = {size: [] for size in searches}
        for _ in range(rounds + 1):
            for size, search in searches.items():
                rounds_of[size].append(_cost_of(search, asked))
        for size, costs in rounds_of.items():
            found[size][query.text] = [min(one) for one in zip(*costs, strict=True)]
    plain = [query.text for query in QUERIES if query.kind == "plain"]
    middle = {size: [statistics.median(of[text][at] for text in plain) for at in (0, 1)] for size, of in found.items()}
    for size, of in found.items():
        rows = {
            "plain words": middle[size][0],
            "the dearest of all": max(cost for cost, _ in of.values()),
            "plain words, engine alone": middle[size][1],
        }
        for name, micros in rows.items():
            yield CatalogueFigure(f"{size:,} products: a search, µs CPU, {name}", f"{micros:.0f}")
    largest = max(searches)
    if largest > JUDGED in searches:
        ratio = middle[largest][1] / middle[JUDGED][1]
        yield bounded(f"engine alone, {largest:,} products, of {JUDGED:,}", ratio, TIMES_OF_LARGEST)


def _cost_of(search: CatalogueSearch, asked: SearchQuery) -> tuple[float, float]:
    """Microseconds of processor time of a search, and of its engine alone."""
    question = question_of(search, asked.text)
    return cost(lambda: search.search(asked)), cost(lambda: search.index.search(question))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--products", "sizes", multiple=True, default=SIZES, show_default=True, type=click.IntRange(100, 1_000_000)
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--build", "root", type=click.Path(path_type=Path), hidden=True)
def main(sizes: Sequence[int], rounds: int, root: Path | None) -> None:
    """Measure mirrors of several sizes, and print the table."""
    if root is not None:
        click.echo(msgspec.json.encode(build(root, sizes[0])))
        return
    for line in table(figures(sizes, rounds)):
        click.echo(line)


if __name__ == "__main__":
    main()
