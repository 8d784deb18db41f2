"""Which addresses out of a shop's texts may be shown, and texts without the others.

A client that renders Markdown fetches a picture without asking, which tells its server what the model wrote into the
address. So what a shop says names no address but those of the shop itself.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

REMOVED_TEXT: Final = "(link removed)"
MAX_URL_CHARS: Final = 2000
DEFAULT_PORTS: Final = {"https": 443, "http": 80}
PRIVATE_SUFFIXES: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa")
"""Last labels of names that only a private network resolves (RFC 6761, RFC 6762, RFC 8375), or by custom."""

SUSPECT: Final = re.compile(r"://|//[\w\[]|]\(|]:|!\[|[a-zA-Z]:\S|<[a-zA-Z/!?]")
"""In every text that `without_foreign_links` changes, and in few others."""
ADDRESS: Final = re.compile(
    r"""(?:[a-zA-Z][a-zA-Z0-9+.-]{0,30}://|(?<![\w:/])//(?=[\w\[])"""
    r"""|(?<![a-zA-Z0-9])(?:javascript|vbscript|data|file|blob|about):(?=\S))[^\s<>"'`]*""",
    re.IGNORECASE,
)
PICTURE_START: Final = re.compile(r"(?<!!)!+(?=\[)")
MARKDOWN_TARGET: Final = re.compile(r"](?=[(:])")
TAG_START: Final = re.compile(r"<(?=[a-zA-Z/!?])")
UNSAFE_IN_MARKDOWN: Final = str.maketrans({char: f"%{ord(char):02X}" for char in "()<>[]\"'`\\"})
HOST: Final = re.compile(r"[\w.-]+|[0-9a-f:.]+")
"""Of a name or an IP address; Markdown would read others anew, such as `&sol;` as a slash."""
TRAILING: Final = ".,;:!?)]}*_"
"""Punctuation that ends a sentence, not an address."""


class KnownOrigins(Struct, frozen=True):
    """The origins of one shop: whole ones, and for `website` the names below its host, such as a media server's."""

    website: str = ""
    """Base URL; empty where the shop has none for people."""
    others: tuple[str, ...] = ()
    """Origins; an http one counts as it is, for a demo on loopback."""
    upstream: str = ""
    """URL of the shop's interface, which is shown to nobody unless it is known by another way."""

    def has(self, url: str) -> bool:
        """Whether an absolute URL is https below the shop's own host, or of a known origin."""
        parts = _split(url)
        if parts is None:
            return False
        if any(_origin(parts) == _origin(known) for one in self.others if (known := _split(one)) is not None):
            return True
        site = _split(self.website)
        if site is None:
            return False
        if _origin(parts) == _origin(site):
            return True
        if self._is_upstream(parts):
            return False
        host, above = parts.hostname or "", (site.hostname or "").removeprefix("www.")
        named = not _is_numeric(above) and parts.port in {None, 443}
        return parts.scheme == "https" and named and (host == above or host.endswith(f".{above}"))

    def may_link(self, url: str) -> bool:
        """Whether a page of the shop may lead there: to the shop, or by https to another public host."""
        parts = _split(url)
        if parts is None:
            return False
        public = parts.scheme == "https" and is_public_host(parts.hostname or "") and not self._is_upstream(parts)
        return public or self.has(url)

    def _is_upstream(self, parts: SplitResult) -> bool:
        hidden = _split(self.upstream)
        return hidden is not None and parts.hostname == hidden.hostname


NO_ORIGINS: Final = KnownOrigins()


def is_public_host(host: str) -> bool:
    """Whether a host may be reached from anywhere: a public IP address, or a name that is not a private network's.

    >>> [is_public_host(host) for host in ("shop.example", "10.0.0.1", "0x7f.1", "printer", "db.internal")]
    [True, False, False, False, False]
    """
    name = host.casefold().rstrip(".")
    if _is_numeric(name):
        try:
            return ipaddress.ip_address(name).is_global
        except ValueError:
            return False
    return "." in name and not any(name == suffix or name.endswith(f".{suffix}") for suffix in PRIVATE_SUFFIXES)


def without_foreign_links(text: str, known: Callable[[str], bool]) -> str:
    """A plain text that no renderer makes a picture, a link or a tag of, with addresses that are `known` only.

    >>> without_foreign_links("See ![x](https://evil.example/a) <b>", lambda url: False)
    'See [x] ((link removed)) < b>'
    """
    if SUSPECT.search(text) is None:
        return text

    def shown(found: re.Match[str]) -> str:
        url = found[0].rstrip(TRAILING)
        return found[0] if known(url) else REMOVED_TEXT + found[0][len(url) :]

    plain = TAG_START.sub("< ", MARKDOWN_TARGET.sub("] ", PICTURE_START.sub("", text)))
    # Once more, as what is said in place of an address begins with a parenthesis.
    return MARKDOWN_TARGET.sub("] ", ADDRESS.sub(shown, plain))


def markdown_safe(url: str) -> str:
    """A URL without characters that end a Markdown target; what they mean to a server is the same (RFC 3986 §2.1)."""
    return url.translate(UNSAFE_IN_MARKDOWN)


def _split(url: str) -> SplitResult | None:
    """The parts of an absolute web URL without credentials; None for anything else."""
    if not url or len(url) > MAX_URL_CHARS or "\\" in url or any(char.isspace() for char in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    usable = parts.scheme in DEFAULT_PORTS and "@" not in parts.netloc
    return parts if usable and HOST.fullmatch(parts.hostname or "") else None


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def _is_numeric(host: str) -> bool:
    """Whether a host is an IP address, in any form that a resolver takes (WHATWG URL §3.5)."""
    last = host.rpartition(".")[2]
    return ":" in host or last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None
