"""Redirect URIs: which may be used at all, and which of a client's own is meant."""

import re
from typing import Final
from urllib.parse import unquote

MAX_REDIRECT_CHARS: Final = 2048
URI_PATTERN: Final = re.compile(r"[!$%&'()+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
"""Characters of a URI (RFC 3986) without `#`, as a fragment would hide the answer, and `*`, which is no wildcard."""
SCHEME_PATTERN: Final = re.compile(r"([a-z][a-z0-9+.-]*):(.+)", re.DOTALL)
AUTHORITY_PATTERN: Final = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?].*|)"
)
"""Host, port, and path with query; no userinfo. International names come in their ASCII form (RFC 5891)."""
MAX_PORT: Final = 65_535
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "[::1]", "localhost"})
FORBIDDEN_SCHEMES: Final = frozenset(
    {
        # Browsers, and what they open themselves.
        "about", "blob", "brave", "content", "data", "devtools", "edge", "extension", "file", "filesystem", "intent",
        "jar", "javascript", "moz-extension", "opera", "resource", "safari", "safari-web-extension", "vbscript",
        "view-source", "vivaldi", "ws", "wss",
        # Tools of an operating system.
        "afp", "android-app", "applescript", "cifs", "dav", "davs", "facetime", "facetime-audio", "ftp", "ftps", "geo",
        "git", "gopher", "hcp", "help", "itms", "itms-apps", "itms-services", "ldap", "ldaps", "magnet", "maps",
        "market", "mhtml", "mk", "nfs", "powershell", "rdp", "res", "rlogin", "search", "search-ms", "sftp", "shell",
        "shortcuts", "smb", "ssh", "telnet", "tn3270", "vnc", "webcal", "x-man-page",
        # Mail, telephones and messengers.
        "callto", "fb-messenger", "imessage", "irc", "ircs", "mailto", "mms", "mmsto", "news", "nntp", "sgnl", "sip",
        "sips", "skype", "sms", "smsto", "tel", "telprompt", "tg", "viber", "weixin", "whatsapp",
    }
)  # fmt: skip
"""Schemes that a device opens with something else than the app that asks."""
FORBIDDEN_PREFIXES: Final = ("chrome", "firefox", "googlechrome", "microsoft-edge", "ms-", "x-apple", "x-safari-")
"""Of such schemes, as their families grow. No MCP client has one."""
NESTED_URL_PATTERN: Final = re.compile(r"https?:", re.IGNORECASE)


def is_usable(uri: str) -> bool:
    """Whether a redirect URI may be used: https, http to this device, or a scheme of an app's own (RFC 8252 §7)."""
    if len(uri) > MAX_REDIRECT_CHARS or URI_PATTERN.fullmatch(uri) is None:
        return False
    form = SCHEME_PATTERN.fullmatch(uri)
    if form is None:
        return False
    scheme, rest = form.groups()
    if scheme in {"http", "https"}:
        place = AUTHORITY_PATTERN.fullmatch(rest[2:]) if rest.startswith("//") else None
        if place is None or int(place["port"] or 0) > MAX_PORT:
            return False
        return scheme == "https" or place["host"] in LOOPBACK_HOSTS
    authority = re.split("[/?]", rest[2:])[0] if rest.startswith("//") else ""
    return _is_of_an_app(scheme) and "@" not in authority and NESTED_URL_PATTERN.search(unquote(rest)) is None


def _is_of_an_app(scheme: str) -> bool:
    return not (scheme in FORBIDDEN_SCHEMES or scheme.startswith(FORBIDDEN_PREFIXES) or "http" in scheme)


def is_loopback_redirect(uri: str) -> bool:
    """Whether a usable redirect URI leads to a server on the person's own device."""
    return uri.startswith("http:")


def without_port(uri: str) -> str:
    """A usable loopback URI without its port, which is any at run time (RFC 8252 §7.3); others as they are."""
    place = AUTHORITY_PATTERN.fullmatch(uri.removeprefix("http://")) if is_loopback_redirect(uri) else None
    return uri if place is None else f"http://{place['host']}{place['rest']}"


def is_same_redirect(registered: str, asked: str) -> bool:
    """Whether a usable URI that is asked for is the one registered: the same text, but for the port of a loopback."""
    return without_port(registered) == without_port(asked)
