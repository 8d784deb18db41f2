"""A client's own settings file: where it is, and one server's entry put into it without touching anything else."""

import datetime as dt
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import tomlkit
from msgspec import Struct
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from cards.clients import Client, Entry, Format, System
from storefront_mcp.cli.json_text import NotJson, read_json, with_member

BOM: Final = "\ufeff"
Outcome = Literal["created", "added", "replaced", "unchanged"]


class FileUnusable(Exception):
    """A client's file was left as it is; the message names it and says why."""


class Merged(Struct, frozen=True, kw_only=True):
    """What became of the file."""

    path: Path
    outcome: Outcome
    backup: Path | None = None


def this_system() -> System:
    """The operating system, as clients tell them apart."""
    return "macos" if sys.platform == "darwin" else "windows" if sys.platform == "win32" else "linux"


def file_of(client: Client, system: System, environ: Mapping[str, str], home: Path) -> Path:
    """Where the client keeps its settings for this user."""
    if client.moved_by is not None and (folder := environ.get(client.moved_by[0])):
        return Path(folder) / client.moved_by[1]
    written = client.files[system].replace("\\", "/")
    if system == "linux" and (folder := environ.get("XDG_CONFIG_HOME")) and written.startswith("~/.config/"):
        return Path(folder) / written.removeprefix("~/.config/")
    if written.startswith("%APPDATA%/"):
        folder = environ.get("APPDATA") or str(home / "AppData" / "Roaming")
        return Path(folder) / written.removeprefix("%APPDATA%/")
    return home / written.removeprefix("~/")


def merge(client: Client, name: str, url: str, path: Path, *, now: Callable[[], dt.datetime]) -> Merged:
    """Have the endpoint in the file under that name. Raises FileUnusable, and then nothing was changed.

    An entry of that name that says the same, perhaps with more of its own, is left alone; any other is replaced.
    """
    # Settings are often links into a repository of settings: the link stays.
    try:
        path = path.resolve()
    except (OSError, RuntimeError):
        raise FileUnusable(f"{path} cannot be read: its links lead nowhere.") from None
    before = _read(path)
    text, outcome = merged_text(client.format, before, client.section, name, client.entry(url), path)
    if outcome == "unchanged":
        return Merged(path=path, outcome=outcome)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        backup = _replace(path, text, before, now=now)
    except OSError as error:
        raise FileUnusable(f"{path} cannot be written: {error.strerror}.") from None
    return Merged(path=path, outcome=outcome if before is not None else "created", backup=backup)


def merged_text(
    kind: Format, before: str | None, section: str, name: str, entry: Entry, path: Path
) -> tuple[str, Outcome]:
    """The file's text with the entry in it. Raises FileUnusable."""
    known = _parsed(kind, before or "", path)
    servers = known.get(section, {})
    if not isinstance(servers, dict):
        raise FileUnusable(f"{path}: {section} is not a table of servers; the file was left as it is.")
    old = servers.get(name)
    if isinstance(old, dict) and entry.items() <= old.items():
        return before or "", "unchanged"
    text, windows = _with_plain_lines(before or "")
    after = _written(kind, text, section, name, entry, path)
    if _parsed(kind, after, path) != {**known, section: {**servers, name: entry}}:
        raise FileUnusable(f"{path} is written in a way that cannot be added to safely; it was left as it is.")
    return after.replace("\n", "\r\n") if windows else after, "replaced" if name in servers else "added"


def _written(kind: Format, text: str, section: str, name: str, entry: Entry, path: Path) -> str:
    if kind == "json":
        mark = BOM if text.startswith(BOM) else ""
        return mark + with_member(text.removeprefix(BOM), section, name, entry)
    try:
        document = tomlkit.parse(text)
        if section not in document:
            document[section] = tomlkit.table(is_super_table=True)
        servers: Any = document[section]
        server = tomlkit.table()
        server.update(entry)
        if list(document)[-1] != section:
            server.add(tomlkit.nl())
        servers[name] = server if isinstance(servers, Table) else dict(entry)
        return tomlkit.dumps(document)
    except (TOMLKitError, ValueError, TypeError):
        raise FileUnusable(f"{path} is written in a way that cannot be added to; it was left as it is.") from None


def _parsed(kind: Format, text: str, path: Path) -> dict[str, Any]:
    try:
        known = read_json(text.removeprefix(BOM)).value if kind == "json" else tomllib.loads(text)
    except (NotJson, tomllib.TOMLDecodeError, RecursionError) as error:
        raise FileUnusable(f"{path} cannot be read ({error}); it was left as it is.") from None
    if not isinstance(known, dict):
        raise FileUnusable(f"{path} does not hold an object; it was left as it is.")
    return known


def _with_plain_lines(text: str) -> tuple[str, bool]:
    """The text with plain line ends where it has nothing but those of Windows, and whether it had."""
    windows = 0 < text.count("\r\n") == text.count("\n")
    return (text.replace("\r\n", "\n") if windows else text), windows


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise FileUnusable(f"{path} cannot be read (it is not UTF-8); it was left as it is.") from None
    except OSError as error:
        raise FileUnusable(f"{path} cannot be read: {error.strerror}.") from None


def _backup(path: Path, now: dt.datetime) -> Path:
    """A copy under a name with the time in it, never over another copy."""
    stamp = now.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    number = 0
    while True:
        copy = path.with_name(f"{path.name}.{stamp}{f'-{number}' if number else ''}.bak")
        try:
            copy.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            number += 1
            continue
        shutil.copy2(path, copy)
        return copy


def _replace(path: Path, text: str, before: str | None, *, now: Callable[[], dt.datetime]) -> Path | None:
    """Whole or not at all: written beside the file, then put in its place. Returns the copy of what was there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        _unchanged(path, before)
        backup = None
        if before is not None:
            shutil.copymode(path, beside)
            backup = _backup(path, now())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return backup


def _unchanged(path: Path, before: str | None) -> None:
    """Clients write their own files too. Raises FileUnusable."""
    if _read(path) != before:
        raise FileUnusable(f"{path} was changed by somebody else meanwhile; nothing was written. Try again.")
