"""Searches over small catalogues, each built once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.query.language import language_words
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.catalogue.tantivy_engine.reader import TantivyIndex
from storefront_mcp.catalogue.tantivy_engine.schema import snowball_stem
from storefront_mcp.catalogue.tantivy_engine.writer import TantivyIndexWriter
from tests.fakes.demo_documents import demo_documents
from tests.unit.catalogue_search.german_catalogue import german_documents


def built_search(
    folder: Path, documents: Sequence[CatalogueDocument], *, locale: str, currency: str, synonyms: Sequence[str] = ()
) -> CatalogueSearch:
    """A search over these products."""
    writer = TantivyIndexWriter(folder, locale=locale)
    writer.begin(1)
    writer.put(documents)
    writer.swap()
    writer.close()
    language = language_words(locale, snowball_stem(locale), synonyms)
    return CatalogueSearch(TantivyIndex(folder, locale=locale), language, currency)


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> CatalogueSearch:
    """Over the demo shop's catalogue, in English."""
    folder = tmp_path_factory.mktemp("warehouse")
    return built_search(folder, demo_documents(), locale="en-AU", currency="AUD")


@pytest.fixture(scope="session")
def kaufhaus(tmp_path_factory: pytest.TempPathFactory) -> CatalogueSearch:
    """Over a German catalogue."""
    folder = tmp_path_factory.mktemp("kaufhaus")
    return built_search(folder, german_documents(), locale="de-DE", currency="EUR")
