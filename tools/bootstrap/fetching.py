"""Fetch a file by its name from package indexes (PEP 503, PEP 691) over HTTP, or from a folder."""

import base64
import errno
import hashlib
import html.parser
import json
import netrc
import posixpath
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import SplitResult, unquote, urldefrag, urljoin, urlsplit, urlunsplit

from tools.bootstrap.progress import SetupFailed
from tools.bootstrap.sources import PackageSources, shown

MAX_PAGE_BYTES = 64 * 2**20
MAX_FILE_BYTES = 256 * 2**20
MAX_SECONDS = 900.0
CHUNK_BYTES = 2**16
ATTEMPTS = 3
PAUSE_SECONDS = 0.5
JSON = "application/vnd.pypi.simple.v1+json"
ACCEPTED = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

ELSEWHERE = """  Behind a proxy, name it: HTTPS_PROXY=http://HOST:PORT
  With a package mirror of your own: UV_DEFAULT_INDEX=https://HOST/simple, or PIP_INDEX_URL"""
OFFLINE = f"Is this machine online? Then run the same command again.\n{ELSEWHERE}"
UNTRUSTED = """Its certificate is not trusted here. On Debian or Ubuntu: sudo apt-get install ca-certificates
  If your organisation has certificates of its own, name them: SSL_CERT_FILE=/path/to/them.pem"""
OTHER_INDEX = "Try again later, or use another package index: UV_DEFAULT_INDEX=https://HOST/simple"
LOCKED = "It wants to know who asks: put name and password into the index's address, or into ~/.netrc."

Show = Callable[[str], None]
T = TypeVar("T")


TRANSIENT = (TimeoutError, ConnectionError, HTTPException, ssl.SSLError, urllib.error.URLError, zlib.error)


class FetchFailed(Exception):
    """A source does not give what is asked of it; `advice` says what may help, empty where the source is fine."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice


class PackageFetcher:
    """Asks the sources of packages, one after the other."""

    def __init__(self, sources: PackageSources, environ: Mapping[str, str]) -> None:
        self._sources = sources
        self._netrc = _netrc(environ)
        self._openers = {insecure: self._opener(insecure=insecure) for insecure in (False, True)}

    def fetch(self, project: str, wheels: Mapping[str, str], folder: Path, show: Show) -> Path:
        """The first of the `wheels` (name → SHA-256, the best first) that a source has. Raises SetupFailed."""
        failures: dict[str, FetchFailed] = {}
        for source, address in self._addresses(project):
            show("asking for the installer")
            try:
                name, found = self._found(address, wheels)
                path = folder / name
                digest = self._download(found, path, show)
            except FetchFailed as failed:
                failures[source] = failed
                continue
            except OSError as error:
                raise SetupFailed(unwritable(folder, error)) from None
            if digest != wheels[name]:
                path.unlink()
                raise SetupFailed(
                    f"What {shown(source)} gave for {name} is not the file that this project has locked, so it was\n"
                    f"thrown away: its SHA-256 is {digest},\nnot {wheels[name]}.\n{OTHER_INDEX}"
                )
            return path
        raise SetupFailed(_complaint(failures))

    def _found(self, address: str, wheels: Mapping[str, str]) -> tuple[str, str]:
        """The first of the wheels that a page or folder has, and its address. Raises FetchFailed."""
        listed = self._listed(address)
        for name in wheels:
            if name in listed:
                return name, listed[name]
        raise FetchFailed(f"has no {' nor '.join(wheels)}")

    def _addresses(self, project: str) -> Iterator[tuple[str, str]]:
        """Of each source: what it is called, and its page or folder with files of the project."""
        for link in self._sources.find_links:
            yield link, link
        for index in self._sources.indexes:
            parts = urlsplit(index)
            yield index, urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{project}/"))

    def _listed(self, address: str) -> dict[str, str]:
        """The files on a page or in a folder, name → address. Raises FetchFailed."""
        if (folder := _local(address)) is not None:
            if (folder / "index.html").is_file():
                folder /= "index.html"
            elif folder.is_dir():
                return {path.name: path.as_uri() for path in folder.iterdir()}
            try:
                with folder.open("rb") as file:
                    page = file.read(MAX_PAGE_BYTES)
            except OSError as error:
                raise FetchFailed(f"cannot be read: {error.strerror}") from None
            return html_files(page.decode("utf-8", "replace"), folder.as_uri())
        return self._attempted(lambda: self._page(address))

    def _page(self, address: str) -> dict[str, str]:
        with self._open(address, {"Accept": ACCEPTED, "Accept-Encoding": "gzip"}) as answer:
            page, url, kind = answer.read(MAX_PAGE_BYTES), answer.url, answer.headers.get_content_type()
            if answer.headers.get("Content-Encoding", "").lower() == "gzip":
                page = zlib.decompressobj(31).decompress(page, MAX_PAGE_BYTES)
        text = page.decode("utf-8", "replace")
        return json_files(text, url) if kind.endswith("json") else html_files(text, url)

    def _download(self, address: str, path: Path, show: Show) -> str:
        """Write a file; answers its SHA-256. Raises FetchFailed, OSError where it cannot be written."""
        if (local := _local(urldefrag(address).url)) is not None:
            try:
                with local.open("rb") as file:
                    return self._copied(file, path, 0, show)
            except FileNotFoundError:
                raise FetchFailed(f"names {local}, which is not there") from None
        return self._attempted(lambda: self._downloaded(address, path, show))

    def _downloaded(self, address: str, path: Path, show: Show) -> str:
        with self._open(address, {}) as answer:
            length = answer.headers.get("Content-Length", "")
            return self._copied(answer, path, int(length) if length.isdigit() else 0, show)

    def _copied(self, source: IO[bytes], path: Path, length: int, show: Show) -> str:
        digest, done, deadline = hashlib.sha256(), 0, time.monotonic() + MAX_SECONDS
        with path.open("wb") as file:
            while chunk := source.read(CHUNK_BYTES):
                done += len(chunk)
                if done > MAX_FILE_BYTES or time.monotonic() > deadline:
                    raise FetchFailed("gives more, or more slowly, than an installer can be", OFFLINE)
                digest.update(chunk)
                file.write(chunk)
                of = f" of {length / 2**20:.0f}" if length else ""
                show(f"fetching the installer, {done / 2**20:.0f}{of} MB")
        if length and done < length:
            raise FetchFailed("broke off in the middle", OFFLINE)
        return digest.hexdigest()

    def _attempted(self, attempt: Callable[[], T]) -> T:
        """What it comes to; what may pass is tried again."""
        for number in range(1, ATTEMPTS + 1):
            try:
                return attempt()
            except urllib.error.HTTPError as error:
                error.close()
                if number == ATTEMPTS or (error.code < 500 and error.code != 429):  # noqa: PLR2004 -- HTTP's
                    raise _refusal(error) from None
            except TRANSIENT as error:
                failed = _failure(error)
                if number == ATTEMPTS or failed.advice == UNTRUSTED:
                    raise failed from None
            time.sleep(PAUSE_SECONDS * number)
        raise AssertionError

    def _open(self, address: str, headers: Mapping[str, str]) -> Any:
        request = urllib.request.Request(_bare(address), headers={"User-Agent": "storefront-mcp", **headers})  # noqa: S310 -- checked below
        if request.type not in {"http", "https"}:
            raise FetchFailed(f"has an address that is neither https nor a file: {shown(address)}")
        self._authorize(request, address)
        return self._openers[self._is_insecure(address)].open(request, timeout=self._sources.timeout_seconds)

    def _authorize(self, request: urllib.request.Request, address: str) -> None:
        """Say who asks, to the host that the credentials are for and to no other."""
        parts = urlsplit(address)
        known = [index for index in map(urlsplit, self._sources.indexes) if _origin(index) == _origin(parts)]
        user, password = next(
            ((each.username, each.password or "") for each in [parts, *known] if each.username is not None), ("", "")
        )
        if not user and self._netrc is not None and (entry := self._netrc.authenticators(parts.hostname or "")):
            user, password = entry[0], entry[2] or ""
        if user or password:
            word = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {word}")

    def _is_insecure(self, address: str) -> bool:
        parts = urlsplit(address)
        return bool({parts.hostname, parts.netloc.rpartition("@")[2]} & self._sources.insecure_hosts)

    def _opener(self, *, insecure: bool) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context()
        try:
            if (named := self._sources.certificates) is not None:
                where = Path(named)
                context.load_verify_locations(*((None, named) if where.is_dir() else (named,)))
            if self._sources.client_certificate is not None:
                context.load_cert_chain(self._sources.client_certificate)
        except OSError as error:
            raise SetupFailed(
                f"The certificates in {self._sources.certificates or self._sources.client_certificate} cannot be read: "
                f"{error}. See SSL_CERT_FILE, PIP_CERT and pip's settings."
            ) from None
        if insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        proxies = urllib.request.getproxies()
        if self._sources.proxy is not None:
            proxies = {"http": self._sources.proxy, "https": self._sources.proxy, **proxies}
        return urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies),
            urllib.request.HTTPSHandler(context=context),
            _Redirects(self._authorize),
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https only, and says who asks to whom it may."""

    def __init__(self, authorize: Callable[[urllib.request.Request, str], None]) -> None:
        self._authorize = authorize

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request."""
        following = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if following is not None and following.type in {"http", "https"}:
            self._authorize(following, newurl)
            return following
        return None


class _Anchors(html.parser.HTMLParser):
    """The links of an index page."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One link, or what links are relative to."""
        href = dict(attrs).get("href") or ""
        if tag == "a" and href:
            self.links.append(href)
        elif tag == "base" and href:
            self.base = href


def html_files(page: str, url: str) -> dict[str, str]:
    """The files that an HTML page links to, name → address."""
    anchors = _Anchors()
    anchors.feed(page)
    base = urljoin(url, anchors.base)
    return {posixpath.basename(unquote(urlsplit(link).path)): urljoin(base, link) for link in anchors.links}


def json_files(page: str, url: str) -> dict[str, str]:
    """The files that a JSON page names, name → address. Raises FetchFailed."""
    try:
        return {str(file["filename"]): urljoin(url, str(file["url"])) for file in json.loads(page)["files"]}
    except (ValueError, KeyError, TypeError):
        raise FetchFailed("answers with something that is no list of packages", ELSEWHERE) from None


def unwritable(folder: Path, error: OSError) -> str:
    """Why nothing can be written to a folder, and what to do."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"The disk is full: {folder} needs about 300 MB. Make room, then run the same command again."
    return f"{folder} cannot be written: {error.strerror}. Put this folder where you may write, such as your home."


def _complaint(failures: Mapping[str, FetchFailed]) -> str:
    lines = [f"  {shown(source)} {failed}" for source, failed in failures.items()]
    advice = dict.fromkeys(failed.advice or ELSEWHERE for failed in failures.values())
    what = "\n".join(lines) if lines else "  no package index may be asked: UV_NO_INDEX or PIP_NO_INDEX is set"
    return "\n".join(["The installer could not be fetched:", what, *(advice or [ELSEWHERE])])


def _refusal(error: urllib.error.HTTPError) -> FetchFailed:
    if error.code in {401, 403, 407}:
        return FetchFailed(f"answers {error.code} {error.reason}", LOCKED)
    if error.code == 404:  # noqa: PLR2004 -- HTTP's
        return FetchFailed("has no uv (404)")
    return FetchFailed(f"answers {error.code} {error.reason}", OFFLINE)


def _failure(error: Exception) -> FetchFailed:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return FetchFailed(f"cannot be trusted: {reason.verify_message}", UNTRUSTED)
    if isinstance(reason, TimeoutError):
        return FetchFailed("does not answer in time", OFFLINE)
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return FetchFailed(f"cannot be reached: {text}", OFFLINE)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _bare(address: str) -> str:
    """An address without credentials and fragment, as it is asked for."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def _local(address: str) -> Path | None:
    """The path that an address means; None for what is elsewhere."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(urllib.request.url2pathname(parts.path))
    return None if "://" in address else Path(address).expanduser()


def _netrc(environ: Mapping[str, str]) -> netrc.netrc | None:
    home = Path(environ.get("HOME") or Path("~").expanduser())
    try:
        return netrc.netrc(environ.get("NETRC") or home / ".netrc")
    except (OSError, netrc.NetrcParseError):
        return None
