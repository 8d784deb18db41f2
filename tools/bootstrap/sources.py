"""Where this machine fetches packages from: uv's settings where it has any, else pip's, else PyPI."""

import configparser
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from tools.bootstrap.progress import SetupFailed

PYPI = "https://pypi.org/simple"
TIMEOUT_SECONDS = 30.0
TRUE = ("1", "true", "yes", "on", "t", "y")


@dataclass(frozen=True)
class PackageSources:
    """Where packages come from, in the order in which they are asked for, and how a connection there is made."""

    indexes: tuple[str, ...] = (PYPI,)
    find_links: tuple[str, ...] = ()
    has_mirror: bool = False
    """Whether something takes PyPI's place, so that addresses of PyPI's files are of no use."""
    certificates: str | None = None
    client_certificate: str | None = None
    insecure_hosts: frozenset[str] = frozenset()
    proxy: str | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
    uv_environment: Mapping[str, str] = field(default_factory=dict)
    """The same for uv, as far as it does not know it by itself."""


def package_sources(environ: Mapping[str, str], project: Path, root: Path = Path("/")) -> PackageSources:
    """What the environment and the configuration files of uv and pip say. Raises SetupFailed."""
    home = Path(environ.get("HOME") or Path("~").expanduser())
    uv = _UvSettings(environ, project, home, root)
    pip = _pip_settings(environ, home, root)
    timeout = uv.timeout or pip.get("timeout") or pip.get("default-timeout")
    certificates = next(
        (environ[name] for name in ("SSL_CERT_FILE", "PIP_CERT") if environ.get(name)), pip.get("cert")
    ) or next((environ[name] for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if environ.get(name)), None)
    insecure = frozenset(uv.insecure_hosts) | frozenset(pip.get("trusted-host", "").split())
    client, proxy = environ.get("SSL_CLIENT_CERT") or pip.get("client-cert"), pip.get("proxy")
    for_uv = {
        # uv carries certificate authorities of its own; a company's are in the system's store.
        "UV_SYSTEM_CERTS": "true",
        "SSL_CERT_FILE": certificates,
        "SSL_CLIENT_CERT": client,
        "UV_INSECURE_HOST": " ".join(sorted(insecure)),
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "UV_HTTP_TIMEOUT": timeout,
    }
    if uv.names_sources:
        default, extra, links, alone = uv.default, uv.extra, uv.find_links, uv.no_index
    else:
        default, extra = pip.get("index-url"), pip.get("extra-index-url", "").split()
        links, alone = pip.get("find-links", "").split(), pip.get("no-index", "").lower() in TRUE
        if default or alone:
            for_uv |= {
                "UV_DEFAULT_INDEX": default,
                "UV_INDEX": " ".join(extra),
                # pip takes the best of all indexes, and so must uv then; each file is checked against the lock.
                "UV_INDEX_STRATEGY": "unsafe-best-match",
                "UV_FIND_LINKS": ",".join(links),
                "UV_NO_INDEX": "true" if alone else None,
            }
    return PackageSources(
        indexes=() if alone else tuple(dict.fromkeys([*extra, default or PYPI])),
        find_links=tuple(links),
        has_mirror=alone or (default is not None and not _is_pypi(default)),
        certificates=certificates,
        client_certificate=client,
        insecure_hosts=insecure,
        proxy=proxy,
        timeout_seconds=_seconds(timeout),
        uv_environment={name: value for name, value in for_uv.items() if value and not environ.get(name)},
    )


class _UvSettings:
    """What uv's variables and configuration files say of indexes; the nearest word counts."""

    def __init__(self, environ: Mapping[str, str], project: Path, home: Path, root: Path) -> None:
        files = [_toml(path) for path in _uv_files(environ, project, home, root)]
        tables = [table for file in files for table in file.get("index", [])]
        self._credentials = {name: value for name, value in environ.items() if name.startswith("UV_INDEX_")}
        named = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
        defaults = [
            *(self._address(table) for table in tables if table.get("default")),
            *(file["index-url"] for file in files if "index-url" in file),
        ]
        self.default = self._named(named) if named else next(iter(defaults), None)
        self.extra = [
            *map(self._named, environ.get("UV_INDEX", "").split()),
            *map(self._named, environ.get("UV_EXTRA_INDEX_URL", "").split()),
            *(self._address(table) for table in tables if not table.get("default") and not table.get("explicit")),
            *(url for file in files for url in file.get("extra-index-url", [])),
        ]
        self.find_links = [
            *(link for link in environ.get("UV_FIND_LINKS", "").split(",") if link),
            *(link for file in files for link in file.get("find-links", [])),
        ]
        self.no_index = environ.get("UV_NO_INDEX", "").lower() in TRUE or any(file.get("no-index") for file in files)
        self.insecure_hosts = [
            *environ.get("UV_INSECURE_HOST", "").split(),
            *(host for file in files for host in file.get("allow-insecure-host", [])),
        ]
        self.timeout = environ.get("UV_HTTP_TIMEOUT") or environ.get("UV_REQUEST_TIMEOUT")

    @property
    def names_sources(self) -> bool:
        """Whether pip's indexes are of no interest."""
        return bool(self.default or self.extra or self.find_links or self.no_index)

    def _named(self, word: str) -> str:
        """The address in `NAME=URL` or `MAX_URL_CHARS`."""
        found = re.fullmatch(r"([\w.-]+)=(.*)", word)
        return self._address({"name": found[1], "url": found[2]}) if found else word

    def _address(self, table: Mapping[str, Any]) -> str:
        """An index's address with the credentials that variables hold for its name."""
        url = str(table.get("url", ""))
        prefix = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", str(table.get("name", "")).upper())
        user, password = (self._credentials.get(f"{prefix}_{part}", "") for part in ("USERNAME", "PASSWORD"))
        parts = urlsplit(url)
        if not (user or password) or "@" in parts.netloc:
            return url
        netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"
        return urlunsplit(parts._replace(netloc=netloc))


def _uv_files(environ: Mapping[str, str], project: Path, home: Path, root: Path) -> Iterator[Path]:
    """The configuration files of uv, the nearest first."""
    if environ.get("UV_NO_CONFIG", "").lower() in TRUE:
        return
    if named := environ.get("UV_CONFIG_FILE"):
        yield Path(named)
        return
    yield project / "uv.toml"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv" / "uv.toml"
    for folder in [*_xdg_folders(environ, root), root / "etc"]:
        if (system := folder / "uv" / "uv.toml").is_file():
            yield system
            return


def _pip_settings(environ: Mapping[str, str], home: Path, root: Path) -> dict[str, str]:
    """The settings of pip for `pip install`: files from the farthest to the nearest, then variables."""
    by_section: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for path in _pip_files(environ, home, root):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        except configparser.Error as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise SetupFailed(f"pip's settings in {path} cannot be read: {reason}. Mend or remove that file.") from None
        for section in by_section.keys() & parser.sections():
            by_section[section] |= {name.replace("_", "-").lstrip("-"): value for name, value in parser.items(section)}
    variables = {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }
    return by_section["global"] | by_section["install"] | variables


def _pip_files(environ: Mapping[str, str], home: Path, root: Path) -> Iterator[Path]:
    """The configuration files of pip, the farthest first."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    mac = sys.platform == "darwin"
    support = Path("Library", "Application Support", "pip")
    folders = [root / support] if mac else [folder / "pip" for folder in reversed(_xdg_folders(environ, root))]
    yield from (folder / "pip.conf" for folder in folders)
    yield root / "etc" / "pip.conf"
    if not (named and Path(named).exists()):
        yield home / ".pip" / "pip.conf"
        own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
        yield (home / support if mac and (home / support).is_dir() else own) / "pip.conf"
    if root == Path("/"):
        yield Path(sys.prefix, "pip.conf")
    if named:
        yield Path(named)


def _xdg_folders(environ: Mapping[str, str], root: Path) -> list[Path]:
    named: Iterable[str] = (environ.get("XDG_CONFIG_DIRS") or "").split(os.pathsep)
    return [Path(folder) for folder in named if folder] or [root / "etc" / "xdg"]


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}
    except tomllib.TOMLDecodeError as error:
        raise SetupFailed(f"uv's settings in {path} cannot be read: {error}. Mend or remove that file.") from None


def _is_pypi(url: str) -> bool:
    parts = urlsplit(url)
    return parts.hostname == "pypi.org" and parts.path.rstrip("/") == "/simple"


def _seconds(timeout: str | None) -> float:
    try:
        return min(max(float(timeout or TIMEOUT_SECONDS), 1.0), 600.0)
    except ValueError:
        return TIMEOUT_SECONDS


def shown(url: str) -> str:
    """An address as it may be printed: without who and by which password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
