"""A client's own file: where it is, and that an entry goes into it while nothing else changes."""

import datetime as dt
import itertools
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings, strategies as st
from tomlkit.exceptions import ParseError

from storefront_mcp.cards.clients import CLIENTS, ClientProfile, find_client
from storefront_mcp.cli import client_files
from storefront_mcp.cli.client_files import FileUnusable, MergeResult, merge, merge_text, settings_path
from storefront_mcp.cli.jsonc import NotJson, read_json, with_member
from tests.often import often

URL = "https://pickle.example/mcp"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HOME = Path("/home-of-ops")
JSON_CLIENTS = [client for client in CLIENTS if client.format == "json"]
CODEX = next(client for client in CLIENTS if client.format == "toml")

every_client = pytest.mark.parametrize("client", CLIENTS, ids=[client.id for client in CLIENTS])


def put(client: ClientProfile, path: Path, *, url: str = URL, name: str = "pickle") -> MergeResult:
    return merge(client, name, url, path, now=lambda: NOON)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def parsed(client: ClientProfile, path: Path) -> dict[str, Any]:
    text = path.read_text()
    return tomllib.loads(text) if client.format == "toml" else json.loads(text)


def others(client: ClientProfile) -> str:
    """A file in which a person keeps other servers and other settings."""
    if client.format == "toml":
        return (
            '# My settings\nmodel = "large"  # the good one\n\n[mcp_servers.notes]\ncommand = "npx"  # local\n'
            'args = ["-y", "notes"]\n\n[mcp_servers.notes.env]\nKEY = "k"\n\n[tui]\ntheme = "dark"\n'
        )
    return (
        '{\n\t"theme": "dark", "size": 1.10,\n\t"' + client.section + '": {\n\t\t"notes": '
        '{"command": "npx", "args": ["-y", "notes"]}\n\t},\n\t"last": [1, 2,   3],\n\t"accent": "caf\\u00e9"\n}'
    )


# Where ---------------------------------------------------------------------------------------------------------------

APPDATA = {"APPDATA": "R:/ops/Roaming"}
PLACES = [
    ("claude-code", "linux", {}, HOME / ".claude.json"),
    ("claude-code", "windows", {}, HOME / ".claude.json"),
    ("claude-code", "linux", {"CLAUDE_CONFIG_DIR": "/elsewhere"}, Path("/elsewhere/.claude.json")),
    ("claude-desktop", "macos", {}, HOME / "Library/Application Support/Claude/claude_desktop_config.json"),
    ("claude-desktop", "windows", APPDATA, Path(APPDATA["APPDATA"]) / "Claude/claude_desktop_config.json"),
    ("claude-desktop", "windows", {}, HOME / "AppData/Roaming/Claude/claude_desktop_config.json"),
    ("claude-desktop", "linux", {}, HOME / ".config/Claude/claude_desktop_config.json"),
    ("cursor", "macos", {}, HOME / ".cursor/mcp.json"),
    ("codex", "linux", {}, HOME / ".codex/config.toml"),
    ("codex", "macos", {"CODEX_HOME": "/elsewhere"}, Path("/elsewhere/config.toml")),
    ("vscode", "macos", {}, HOME / "Library/Application Support/Code/User/mcp.json"),
    ("vscode", "windows", APPDATA, Path(APPDATA["APPDATA"]) / "Code/User/mcp.json"),
    ("vscode", "linux", {"XDG_CONFIG_HOME": "/xdg"}, Path("/xdg/Code/User/mcp.json")),
    ("gemini-cli", "linux", {"XDG_CONFIG_HOME": "/xdg"}, HOME / ".gemini/settings.json"),
]


@pytest.mark.parametrize(("name", "system", "environ", "path"), PLACES)
def test_a_clients_file_is_where_that_client_looks(
    name: str, system: Any, environ: Mapping[str, str], path: Path
) -> None:
    client = find_client(name)
    assert client is not None
    assert settings_path(client, system, environ, HOME) == path


@pytest.mark.parametrize(("platform", "system"), [("darwin", "macos"), ("win32", "windows"), ("linux", "linux")])
def test_the_system_is_read_off_the_platform(monkeypatch: pytest.MonkeyPatch, platform: str, system: str) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert client_files.this_system() == system


# The table: every client over every state of its file -----------------------------------------------------------------


@every_client
def test_an_absent_file_is_created_for_its_owner_only(client: ClientProfile, tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "yet"
    merged = put(client, path)

    assert (merged.outcome, merged.backup) == ("created", None)
    assert parsed(client, path) == {client.section: {"pickle": client.entry(URL)}}
    assert path.read_text().endswith("\n")
    assert path.stat().st_mode & 0o077 == 0
    assert listed(path.parent) == ["yet"]


@every_client
@pytest.mark.parametrize("blank", ["", "\n", " \r\n\t"])
def test_an_empty_file_is_filled(client: ClientProfile, blank: str, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(blank.encode())

    assert put(client, path).outcome == "added"
    assert parsed(client, path) == {client.section: {"pickle": client.entry(URL)}}


@every_client
def test_other_servers_and_settings_stay_as_they_are_written(client: ClientProfile, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text(others(client))
    path.chmod(0o640)
    before = parsed(client, path)
    merged = put(client, path)
    after = parsed(client, path)

    assert merged.outcome == "added"
    assert after[client.section].pop("pickle") == client.entry(URL)
    assert after == before
    kept = iter(path.read_text().splitlines())
    assert all(any(line.rstrip(",") == new.rstrip(",") for new in kept) for line in others(client).splitlines())
    assert path.stat().st_mode & 0o777 == 0o640
    assert merged.backup == path.with_name("settings.20261120T120000Z.bak")
    assert merged.backup is not None
    assert merged.backup.read_text() == others(client)


@every_client
def test_doing_it_twice_is_doing_it_once(client: ClientProfile, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text(others(client))
    put(client, path)
    once = path.read_bytes(), listed(tmp_path)

    assert put(client, path) == MergeResult(path=path, outcome="unchanged")
    assert (path.read_bytes(), listed(tmp_path)) == once


@every_client
def test_an_older_entry_of_that_name_is_replaced_and_no_other(client: ClientProfile, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text(others(client))
    before = parsed(client, path)
    put(client, path, url="https://old.example/mcp")
    merged = put(client, path)
    after = parsed(client, path)

    assert merged.outcome == "replaced"
    assert after[client.section].pop("pickle") == client.entry(URL)
    assert after == before
    assert merged.backup == path.with_name("settings.20261120T120000Z-1.bak"), "the first backup is not written over"
    assert path.with_name("settings.20261120T120000Z.bak").read_text() == others(client)


BROKEN = {
    "json": [
        "{",
        '{"a" 1}',
        '{"a": "\\q"}',
        '{"a": 1} x',
        "[]",
        '"text"',
        '{"a": nope}',
        "{'a': 1}",
        '{"SECTION": []}',
        '{"SECTION": null}',
    ],
    "toml": ["[", "a = ", "a = 1\na = 2", "[t]\n[t]\n", "SECTION = 1", "[[SECTION]]\na = 1\n", '{"a": 1}'],
}


@pytest.mark.parametrize(
    ("client", "text"),
    [(client, text.replace("SECTION", client.section)) for client in CLIENTS for text in BROKEN[client.format]],
)
def test_a_file_that_cannot_be_read_is_left_as_it_is(client: ClientProfile, text: str, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_text(text)

    with pytest.raises(FileUnusable, match="left as it is"):
        put(client, path)
    assert path.read_text() == text
    assert listed(tmp_path) == ["settings"]


@every_client
def test_a_file_that_is_no_text_or_no_file_is_refused(client: ClientProfile, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileUnusable, match="not UTF-8"):
        put(client, tmp_path / "bytes")
    with pytest.raises(FileUnusable, match="cannot be read"):
        put(client, tmp_path)
    with pytest.raises(FileUnusable, match="cannot be"):
        put(client, tmp_path / "bytes" / "below")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FileUnusable, match="cannot be read"):
        put(client, tmp_path / "loop")


# Care ----------------------------------------------------------------------------------------------------------------


def test_an_entry_with_more_of_its_own_is_left_alone(tmp_path: Path) -> None:
    cursor = find_client("cursor")
    assert cursor is not None
    path = tmp_path / "mcp.json"
    text = json.dumps({"mcpServers": {"pickle": {"url": URL, "headers": {"Authorization": "mine"}}}})
    path.write_text(text)

    assert put(cursor, path).outcome == "unchanged"
    assert path.read_text() == text


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text(others(CODEX))
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert put(CODEX, tmp_path / "link").path == (tmp_path / "real").resolve()
    assert (tmp_path / "link").is_symlink()
    assert "pickle" in (tmp_path / "real").read_text()


@every_client
def test_what_somebody_else_writes_meanwhile_is_not_lost(
    client: ClientProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings"
    path.write_text(others(client))
    real = client_files.merge_text

    def slow(*arguments: Any) -> Any:
        path.write_text("written meanwhile")
        return real(*arguments)

    monkeypatch.setattr(client_files, "merge_text", slow)
    with pytest.raises(FileUnusable, match="changed by somebody else"):
        put(client, path)
    assert path.read_text() == "written meanwhile"
    assert listed(tmp_path) == ["settings"]


def test_a_disk_that_fails_leaves_the_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings"
    path.write_text(others(CODEX))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileUnusable, match="No space left"):
        put(CODEX, path)
    assert path.read_text() == others(CODEX)
    assert listed(tmp_path) == ["settings"]


@every_client
def test_line_ends_of_windows_and_a_byte_order_mark_stay(client: ClientProfile, tmp_path: Path) -> None:
    path = tmp_path / "settings"
    text = others(client).replace("\n", "\r\n")
    mark = b"\xef\xbb\xbf" if client.format == "json" else b""
    path.write_bytes(mark + text.encode())
    put(client, path)
    written = path.read_bytes()

    assert written.startswith(mark)
    assert written.count(b"\n") == written.count(b"\r\n") > text.count("\r\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{\n  "s": {\n    "n": 1\n  }\n}'),
        ("{ // none yet\n}\n", '{ // none yet\n  "s": {\n    "n": 1\n  }\n}\n'),
        ('{"a": 1}', '{"a": 1, "s": {"n": 1}}'),
        ('{"a": 1,}', '{"a": 1, "s": {"n": 1}}'),
        ('{"s": {"a": 1}}', '{"s": {"a": 1, "n": 1}}'),
        ('{"s": {"n": 0, "b": 2}}', '{"s": {"n": 1, "b": 2}}'),
        ('{\n    "a": 1 // one\n}', '{\n    "a": 1, // one\n    "s": {\n        "n": 1\n    }\n}'),
        ('{\n "a": 1, /* one */\n}', '{\n "a": 1, /* one */\n "s": {\n  "n": 1\n }\n}'),
        ('{\n "a": 1 /* o\nne */ }', '{\n "a": 1,\n "s": {\n  "n": 1\n } /* o\nne */ }'),
        ("// only a remark", '// only a remark\n{\n  "s": {\n    "n": 1\n  }\n}\n'),
        ('{"s": {"n": 0}, "s": {"n": 7}}', '{"s": {"n": 0}, "s": {"n": 1}}'),
    ],
)
def test_a_member_goes_where_a_person_would_put_it(before: str, after: str) -> None:
    assert with_member(before, "s", "n", 1) == after


def test_json_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(NotJson, match="nested too deeply"):
        read_json("[" * 10_000)


def test_a_complaint_names_line_and_column() -> None:
    with pytest.raises(NotJson, match=r"line 2, column 8"):
        read_json('{\n  "a": nope\n}')


# Whatever is in the file, nothing else changes ------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
TREES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
FILES = st.dictionaries(WORDS, TREES, max_size=5)
SERVERS = st.none() | st.dictionaries(WORDS | st.just("pickle"), TREES, max_size=4)
REMARKS = st.sampled_from(["", " ", "\n", "\t", " // x, y: {\n", '/* " */', "\r\n"])


@settings(max_examples=often(200), deadline=None)
@given(
    kept=FILES,
    servers=SERVERS,
    indent=st.sampled_from([None, 1, 2, 4, "\t"]),
    ascii_only=st.booleans(),
    client=st.sampled_from(JSON_CLIENTS),
)
def test_in_json_nothing_else_changes(
    kept: dict[str, Any], servers: dict[str, Any] | None, indent: Any, ascii_only: bool, client: ClientProfile
) -> None:
    whole = kept | ({} if servers is None else {client.section: servers})
    if servers is None:
        whole.pop(client.section, None)
    before = json.dumps(whole, indent=indent, ensure_ascii=ascii_only)
    after, outcome = merge_text("json", before, client.section, "pickle", client.entry(URL), Path("x"))

    wanted = {**whole, client.section: {**(servers or {}), "pickle": client.entry(URL)}}
    assert json.loads(after) == wanted
    assert list(json.loads(after)) == list(wanted)
    if outcome == "added":
        # Byte for byte: ours is one run of new text, around which everything is as it was.
        assert alike(before, after) + alike(before[::-1], after[::-1]) >= len(before)
    again, unchanged = merge_text("json", after, client.section, "pickle", client.entry(URL), Path("x"))
    assert (again, unchanged) == (after, "unchanged")


@settings(max_examples=often(200), deadline=None)
@given(gaps=st.lists(REMARKS, min_size=16, max_size=16), trailing=st.booleans(), present=st.booleans())
def test_remarks_survive_wherever_they_stand(gaps: list[str], trailing: bool, present: bool) -> None:
    tokens = ["{", '"a"', ":", "[", "1", "]", ",", '"servers"', ":", "{", '"b"', ":", "{", "}", "}", "}"]
    if trailing:
        tokens[14] = ",}"
    if present:
        tokens[10] = '"n"'
    text = "".join(token + gap for token, gap in zip(tokens, gaps, strict=True))
    after = with_member(text, "servers", "n", {"x": 1})

    assert read_json(after).value == {"a": [1], "servers": ({} if present else {"b": {}}) | {"n": {"x": 1}}}
    inside = gaps[12] if present else ""
    assert after.count("// x, y: {") == text.count("// x, y: {") - inside.count("//")


KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
TOML_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=often(200), deadline=None)
@given(
    kept=st.dictionaries(KEYS, TOML_VALUES, max_size=4),
    servers=st.none() | st.dictionaries(KEYS, st.dictionaries(KEYS, TOML_VALUES, max_size=3), max_size=3),
    remark=st.sampled_from(["", "# mine\n", "\n\n# mine\n\n"]),
)
def test_in_toml_nothing_else_changes(kept: dict[str, Any], servers: dict[str, Any] | None, remark: str) -> None:
    whole = {key: value for key, value in kept.items() if key != CODEX.section}
    whole |= {} if servers is None else {CODEX.section: servers}
    before = remark + tomlkit.dumps(whole)
    after, _ = merge_text("toml", before, CODEX.section, "pickle", CODEX.entry(URL), Path("x"))

    assert tomllib.loads(after) == {**whole, CODEX.section: {**(servers or {}), "pickle": CODEX.entry(URL)}}
    lines = iter(after.splitlines())
    assert all(line in lines for line in before.splitlines() if line)
    assert merge_text("toml", after, CODEX.section, "pickle", CODEX.entry(URL), Path("x")) == (after, "unchanged")


ODD_TOML = [
    "mcp_servers = {}\nx = 1\n",
    'mcp_servers = { a = { url = "x" } }\n[other]\ny = 1\n',
    'mcp_servers.a.url = "x"\nx = 1\n',
    '[mcp_servers]\na.url = "x"\n\n[z]\n',
    "[mcp_servers]\n# none yet\n",
    '[mcp_servers.a]\nurl = "x"\n[other]\n[mcp_servers.b]\nurl = "y"\n',
    "[[list]]\na = 1\n[[list]]\na = 2\n",
    '[mcp_servers.pickle]\nurl = "old"\n[mcp_servers.pickle.env]\nA = "1"\n[last]\nb = """\nx\n"""\n',
]


@pytest.mark.parametrize("before", ODD_TOML)
def test_toml_of_any_style_is_added_to_or_refused_and_never_harmed(before: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(before)
    known = tomllib.loads(before)
    try:
        put(CODEX, path)
    except FileUnusable:
        assert path.read_text() == before
        return
    assert before != 'mcp_servers.a.url = "x"\nx = 1\n', "this one cannot be added to"
    servers = known.get("mcp_servers", {}) | {"pickle": CODEX.entry(URL)}
    assert tomllib.loads(path.read_text()) == known | {"mcp_servers": servers}


def test_toml_that_the_writer_stumbles_over_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text(others(CODEX))

    def stumble(_text: str) -> None:
        raise ParseError(1, 1)

    monkeypatch.setattr("tomlkit.parse", stumble)
    with pytest.raises(FileUnusable, match="cannot be added to; it was left as it is"):
        put(CODEX, path)
    assert path.read_text() == others(CODEX)
