"""Well-known MCP clients: the configuration each needs for an endpoint, in which file, in which format."""

import json
import re
import shlex
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct

Format = Literal["json", "toml"]
Transport = Literal["streamable-http", "stdio"]
"""How the client itself reaches the endpoint; `stdio` means through a bridge program on the client's machine."""
System = Literal["macos", "windows", "linux"]
Entry = Mapping[str, str | list[str]]

MCP_REMOTE_HTTP_HOSTS: Final = frozenset({"localhost", "127.0.0.1"})
"""Hosts that `mcp-remote` asks over http without `--allow-http`."""


class ClientProfile(Struct, frozen=True, kw_only=True):
    """One client, and how it is configured."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    """Other spellings of the identifier that are understood."""
    transport: Transport = "streamable-http"
    format: Format = "json"
    section: str
    """The table of servers in the client's file."""
    entry: Callable[[str], Entry]
    """Endpoint URL → the value under the server's name in that table."""
    place: str
    """Where a person pastes the snippet."""
    files: Mapping[System, str]
    """The user's own file by operating system; `~` is the home directory, `%APPDATA%` that folder of Windows."""
    moved_by: tuple[str, str] | None = None
    """A variable that names another folder for the file, and the file's name there."""
    command: Callable[[str, str], str] | None = None
    """(name, URL) → the client's own shell command, where that is simpler than a file."""


def _bridge(url: str) -> Entry:
    """Claude Desktop starts programs only, so `mcp-remote` bridges stdio to HTTP."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname not in MCP_REMOTE_HTTP_HOSTS
    return {"command": "npx", "args": ["-y", "mcp-remote", url, *(["--allow-http"] if plain else [])]}


def _everywhere(path: str) -> Mapping[System, str]:
    return {"macos": path, "windows": path, "linux": path}


CLIENTS: Final = (
    ClientProfile(
        id="claude-code",
        name="Claude Code",
        aliases=("claudeCode",),
        section="mcpServers",
        entry=lambda url: {"type": "http", "url": url},
        place="~/.claude.json, or .mcp.json in a project",
        files=_everywhere("~/.claude.json"),
        moved_by=("CLAUDE_CONFIG_DIR", ".claude.json"),
        command=lambda name, url: f"claude mcp add --transport http {name} {shlex.quote(url)}",
    ),
    ClientProfile(
        id="claude-desktop",
        name="Claude Desktop",
        aliases=("claude",),
        transport="stdio",
        section="mcpServers",
        entry=_bridge,
        place="claude_desktop_config.json (Settings, Developer, Edit Config)",
        files={
            "macos": "~/Library/Application Support/Claude/claude_desktop_config.json",
            "windows": r"%APPDATA%\Claude\claude_desktop_config.json",
            "linux": "~/.config/Claude/claude_desktop_config.json",
        },
    ),
    ClientProfile(
        id="cursor",
        name="Cursor",
        section="mcpServers",
        entry=lambda url: {"url": url},
        place="~/.cursor/mcp.json",
        files=_everywhere("~/.cursor/mcp.json"),
    ),
    ClientProfile(
        id="vscode",
        name="VS Code",
        section="servers",
        entry=lambda url: {"type": "http", "url": url},
        place=".vscode/mcp.json in a project, or your own (MCP: Open User Configuration)",
        files={
            "macos": "~/Library/Application Support/Code/User/mcp.json",
            "windows": r"%APPDATA%\Code\User\mcp.json",
            "linux": "~/.config/Code/User/mcp.json",
        },
    ),
    ClientProfile(
        id="codex",
        name="Codex",
        format="toml",
        section="mcp_servers",
        entry=lambda url: {"url": url},
        place="~/.codex/config.toml",
        files=_everywhere("~/.codex/config.toml"),
        moved_by=("CODEX_HOME", "config.toml"),
    ),
    ClientProfile(
        id="gemini-cli",
        name="Gemini CLI",
        section="mcpServers",
        # Under `url` it would expect the older transport.
        entry=lambda url: {"httpUrl": url},
        place="~/.gemini/settings.json",
        files=_everywhere("~/.gemini/settings.json"),
    ),
)


def find_client(name: str) -> ClientProfile | None:
    """The client with that identifier or alias, or None."""
    return next((client for client in CLIENTS if name == client.id or name in client.aliases), None)


def client_snippet(client: ClientProfile, name: str, url: str) -> str:
    """The text to paste into the client's file, which adds the endpoint at `url` under `name`."""
    entry = client.entry(url)
    if client.format == "json":
        return json.dumps({client.section: {name: entry}}, indent=2, ensure_ascii=False)
    # A JSON string without escapes beyond the Basic Multilingual Plane is a TOML basic string, a list of them an array.
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items())
    return "\n".join((f"[{client.section}.{name}]", *lines))


def client_slug(name: str) -> str:
    """A store's name as a configuration key: lower-case ASCII letters, digits and hyphens; else `shop`."""
    bare = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-") or "shop"
