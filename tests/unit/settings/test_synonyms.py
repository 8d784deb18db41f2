"""`store.mirror.synonyms`: a file beside the settings, which is read when a search is first understood."""

from pathlib import Path

import pytest

from storefront_mcp.app.catalogue import search_language
from storefront_mcp.settings.catalogue import MAX_SYNONYM_CHARS
from storefront_mcp.settings.problems import SettingsInvalid
from storefront_mcp.settings.server import Settings

TOML = """
[[store]]
id = "pickle"
origin = "https://pickle.example"
name = "Pickle Warehouse"
currency = "AUD"

[store.upstream]
kind = "demo"

[store.mirror]
synonyms = "words/synonyms.txt"
"""


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "storefront.toml"
    path.write_text(TOML, encoding="utf-8")
    (tmp_path / "words").mkdir()
    return path


def test_the_file_is_found_beside_the_settings_and_its_words_are_known(settings_file: Path) -> None:
    (settings_file.parent / "words/synonyms.txt").write_text("pickleball bat, paddle\n", encoding="utf-8")
    (store,) = Settings.load(settings_file, {}).stores

    assert store.mirror.synonyms == str(settings_file.parent / "words/synonyms.txt")
    language = search_language("en-AU", store.mirror.synonyms)
    assert ("pickleball", "bat") in language.synonyms[(language.stem("paddle"),)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xfe", "cannot be read: it is not UTF-8"),
        (b"x" * (MAX_SYNONYM_CHARS + 1), "has over 1000000 characters"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_problem_of_the_settings(
    settings_file: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (settings_file.parent / "words/synonyms.txt").write_bytes(content)
    with pytest.raises(SettingsInvalid, match=said):
        Settings.load(settings_file, {})
