"""Settings files of MCP clients: location, and merging one server's entry without changing anything else."""

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

from storefront_mcp.cards.clients import ClientProfile, Entry, Format, System
from storefront_mcp.cli.jsonc import NotJson, read_json, with_member

BYTE_ORDER_MARK: Final = "\ufeff"
Outcome = Literal["created", "added", "replaced", "unchanged"]


class FileUnusable(Exception):
    """A client's file cannot be used and was not changed; the message names it and the reason."""


class MergeResult(Struct, frozen=True, kw_only=True):
    """Outcome of merging an entry into a file."""

    path: Path
    outcome: Outcome
    backup: Path | None = None


def this_system() -> System:
    """The operating system, as client profiles name it."""
    return "macos" if sys.platform == "darwin" else "windows" if sys.platform == "win32" else "linux"


def settings_path(client: ClientProfile, system: System, environ: Mapping[str, str], home: Path) -> Path:
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


def merge(client: ClientProfile, name: str, url: str, path: Path, *, now: Callable[[], dt.datetime]) -> MergeResult:
    """Write the endpoint into the file under that name. Raises FileUnusable, and then nothing was changed.

    An existing entry that has all of the new one's members is kept; any other is replaced.
    """
    # Settings are often symbolic links into a dotfiles repository: the link stays.
    try:
        path = path.resolve()
    except (OSError, RuntimeError):
        raise FileUnusable(f"{path} cannot be read: its links lead nowhere.") from None
    before = _read(path)
    text, outcome = merge_text(client.format, before, client.section, name, client.entry(url), path)
    if outcome == "unchanged":
        return MergeResult(path=path, outcome=outcome)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        backup = _replace(path, text, before, now=now)
    except OSError as error:
        raise FileUnusable(f"{path} cannot be written: {error.strerror}.") from None
    return MergeResult(path=path, outcome=outcome if before is not None else "created", backup=backup)


def merge_text(
    kind: Format, before: str | None, section: str, name: str, entry: Entry, path: Path
) -> tuple[str, Outcome]:
    """The file's text with the entry in it. Raises FileUnusable."""
    parsed = _parse(kind, before or "", path)
    servers = parsed.get(section, {})
    if not isinstance(servers, dict):
        raise FileUnusable(f"{path}: {section} is not a table of servers; the file was left as it is.")
    old = servers.get(name)
    if isinstance(old, dict) and entry.items() <= old.items():
        return before or "", "unchanged"
    text, crlf = _normalise_line_ends(before or "")
    after = _write_entry(kind, text, section, name, entry, path)
    if _parse(kind, after, path) != {**parsed, section: {**servers, name: entry}}:
        raise FileUnusable(f"{path} is written in a way that cannot be added to safely; it was left as it is.")
    return after.replace("\n", "\r\n") if crlf else after, "replaced" if name in servers else "added"


def _write_entry(kind: Format, text: str, section: str, name: str, entry: Entry, path: Path) -> str:
    if kind == "json":
        mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
        return mark + with_member(text.removeprefix(BYTE_ORDER_MARK), section, name, entry)
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


def _parse(kind: Format, text: str, path: Path) -> dict[str, Any]:
    try:
        parsed = read_json(text.removeprefix(BYTE_ORDER_MARK)).value if kind == "json" else tomllib.loads(text)
    except (NotJson, tomllib.TOMLDecodeError, RecursionError) as error:
        raise FileUnusable(f"{path} cannot be read ({error}); it was left as it is.") from None
    if not isinstance(parsed, dict):
        raise FileUnusable(f"{path} does not hold an object; it was left as it is.")
    return parsed


def _normalise_line_ends(text: str) -> tuple[str, bool]:
    """The text with LF line ends if all of its line ends are CRLF, and whether they are."""
    crlf = 0 < text.count("\r\n") == text.count("\n")
    return (text.replace("\r\n", "\n") if crlf else text), crlf


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
    """Copy the file to a new name with a timestamp."""
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
    """Replace the file atomically. Returns the backup of the old one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        _check_unchanged(path, before)
        backup = None
        if before is not None:
            shutil.copymode(path, temporary)
            backup = _backup(path, now())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return backup


def _check_unchanged(path: Path, before: str | None) -> None:
    """Raises FileUnusable if the client has written its file since it was read."""
    if _read(path) != before:
        raise FileUnusable(f"{path} was changed by somebody else meanwhile; nothing was written. Try again.")
