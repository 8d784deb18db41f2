"""Where packages are fetched from: what uv and pip are told on this machine holds for the first step, too."""

from pathlib import Path

import pytest

from tools.bootstrap.progress import SetupFailed
from tools.bootstrap.sources import PYPI, PackageSources, package_sources, shown

UV_USER = "home/.config/uv/uv.toml"
PIP_USER = "home/.config/pip/pip.conf"


class Machine:
    """Configuration files below a folder that stands for `/`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, path: str, text: str) -> None:
        """A configuration file."""
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def sources(self, **environ: str) -> PackageSources:
        """What its files and these variables say; a variable may name a file by `{root}`."""
        named = {name: value.replace("{root}", str(self._root)) for name, value in environ.items()}
        return package_sources({"HOME": str(self._root / "home"), **named}, self._root / "project", self._root)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def pip_conf(url: str, section: str = "global") -> str:
    return f"[{section}]\nindex-url = {url}\n"


def test_where_nothing_is_said_it_is_pypi(machine: Machine) -> None:
    sources = machine.sources()

    assert sources.indexes == (PYPI,)
    assert not sources.has_mirror
    assert sources.uv_environment == {"UV_SYSTEM_CERTS": "true"}


@pytest.mark.parametrize(
    ("environ", "indexes"),
    [
        ({"UV_DEFAULT_INDEX": "https://a/simple"}, ["https://a/simple"]),
        ({"UV_DEFAULT_INDEX": "ours=https://a/simple"}, ["https://a/simple"]),
        ({"UV_INDEX_URL": "https://a/simple"}, ["https://a/simple"]),
        ({"UV_INDEX_URL": "https://b", "UV_DEFAULT_INDEX": "https://a"}, ["https://a"]),
        ({"UV_INDEX": "b=https://b https://c"}, ["https://b", "https://c", PYPI]),
        ({"UV_EXTRA_INDEX_URL": "https://b", "UV_DEFAULT_INDEX": "https://a"}, ["https://b", "https://a"]),
        ({"PIP_INDEX_URL": "https://p"}, ["https://p"]),
        ({"PIP_INDEX_URL": "https://p", "PIP_EXTRA_INDEX_URL": "https://q https://r"}, ["https://q", "https://r", "https://p"]),
        ({"PIP_INDEX_URL": "https://p", "UV_DEFAULT_INDEX": "https://a"}, ["https://a"]),
        ({"PIP_EXTRA_INDEX_URL": "https://q", "UV_INDEX": "https://b"}, ["https://b", PYPI]),
        ({"UV_NO_INDEX": "1", "UV_FIND_LINKS": "/wheels"}, []),
    ],
)  # fmt: skip
def test_variables_say_where(machine: Machine, environ: dict[str, str], indexes: list[str]) -> None:
    assert list(machine.sources(**environ).indexes) == indexes


def test_the_nearest_word_of_pip_counts(machine: Machine) -> None:
    def index(**environ: str) -> str:
        return machine.sources(**environ).indexes[-1]

    machine.has("etc/xdg/pip/pip.conf", pip_conf("https://xdg"))
    assert index() == "https://xdg"
    machine.has("etc/pip.conf", pip_conf("https://etc"))
    assert index() == "https://etc"
    machine.has("home/.pip/pip.conf", pip_conf("https://legacy"))
    assert index() == "https://legacy"
    machine.has(PIP_USER, pip_conf("https://user"))
    assert index() == "https://user"
    machine.has("named.conf", pip_conf("https://named").replace("-", "_"))
    assert index(PIP_CONFIG_FILE="{root}/named.conf") == "https://named"
    machine.has("etc/pip.conf", pip_conf("https://install", "install"))
    assert index() == "https://install"
    assert index(PIP_INDEX_URL="https://variable") == "https://variable"
    assert index(PIP_CONFIG_FILE="/dev/null") == PYPI


def test_the_nearest_word_of_uv_counts(machine: Machine) -> None:
    def index(**environ: str) -> str:
        return machine.sources(**environ).indexes[-1]

    machine.has(PIP_USER, pip_conf("https://pip"))
    machine.has("etc/uv/uv.toml", 'index-url = "https://etc"\n')
    assert index() == "https://etc"
    machine.has("etc/xdg/uv/uv.toml", 'index-url = "https://xdg"\n')
    assert index() == "https://xdg"
    machine.has(UV_USER, '[[index]]\nname = "ours"\nurl = "https://user"\ndefault = true\n')
    assert index() == "https://user"
    assert index(UV_INDEX_OURS_USERNAME="ada", UV_INDEX_OURS_PASSWORD="p@ss") == "https://ada:p%40ss@user"
    machine.has("project/uv.toml", 'index-url = "https://project"\n')
    assert index() == "https://user", "indexes in tables go before the older keys"
    machine.has("named.toml", 'index-url = "https://named"\n')
    assert index(UV_CONFIG_FILE="{root}/named.toml") == "https://named"
    assert index(UV_DEFAULT_INDEX="https://variable") == "https://variable"
    assert index(UV_NO_CONFIG="1") == "https://pip"


def test_an_index_for_named_packages_only_is_not_asked(machine: Machine) -> None:
    machine.has(UV_USER, '[[index]]\nurl = "https://torch"\nexplicit = true\n[[index]]\nurl = "https://more"\n')

    assert machine.sources().indexes == ("https://more", PYPI)


def test_what_only_pip_was_told_is_told_to_uv(machine: Machine) -> None:
    machine.has(
        PIP_USER,
        "[global]\nindex-url = https://p/simple\nextra-index-url =\n  https://q/simple\n  https://r/simple\n"
        "find-links = /wheels\ntrusted-host = p\n  q\ncert = /company.pem\nclient-cert = /me.pem\n"
        "proxy = http://proxy:3128\ntimeout = 60\n",
    )
    sources = machine.sources(HTTP_PROXY="http://mine:1")

    assert sources.has_mirror
    assert sources.timeout_seconds == 60
    assert sources.insecure_hosts == {"p", "q"}
    assert sources.uv_environment == {
        "UV_SYSTEM_CERTS": "true",
        "UV_DEFAULT_INDEX": "https://p/simple",
        "UV_INDEX": "https://q/simple https://r/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels",
        "UV_INSECURE_HOST": "p q",
        "SSL_CERT_FILE": "/company.pem",
        "SSL_CLIENT_CERT": "/me.pem",
        "HTTPS_PROXY": "http://proxy:3128",
        "UV_HTTP_TIMEOUT": "60",
    }


def test_uv_is_told_nothing_of_indexes_where_it_has_its_own(machine: Machine) -> None:
    machine.has(PIP_USER, pip_conf("https://pip"))

    assert machine.sources(UV_DEFAULT_INDEX="https://a").uv_environment == {"UV_SYSTEM_CERTS": "true"}


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_are_found_where_others_look_for_them(machine: Machine, variable: str) -> None:
    assert machine.sources(**{variable: "/company.pem"}).certificates == "/company.pem"


@pytest.mark.parametrize("url", [PYPI, f"{PYPI}/", "https://ada:secret@pypi.org/simple"])
def test_pypi_by_its_name_is_no_mirror(machine: Machine, url: str) -> None:
    assert not machine.sources(PIP_INDEX_URL=url).has_mirror


@pytest.mark.parametrize(("path", "whose"), [(UV_USER, "uv's"), (PIP_USER, "pip's")])
def test_a_file_that_cannot_be_read_is_named(machine: Machine, tmp_path: Path, path: str, whose: str) -> None:
    machine.has(path, "[index\n")

    with pytest.raises(SetupFailed, match=f"{whose} settings in {tmp_path}.* cannot be read: .* Mend or remove"):
        machine.sources()


def test_no_address_is_shown_with_its_password() -> None:
    assert shown("https://ada:secret@host:8443/simple?token=1#x") == "https://host:8443/simple"
