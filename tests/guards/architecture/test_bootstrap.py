"""The first step on a new machine: it ends with a working environment or with a sentence that names the fix."""

import ast
import datetime as dt
import errno
import io
import ipaddress
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.guards.architecture.package_index import NAME, VERSION, Newcomer, PackageIndex, served_index, wheel_of
from tests.guards.architecture.tree import ROOT, text
from tools.bootstrap import environment
from tools.bootstrap.environment import UNREAD_PACKAGES
from tools.bootstrap.fetching import unwritable
from tools.bootstrap.progress import ProgressLine, SetupFailed
from tools.bootstrap.wheels import Machine, fitting, locked_uv, this_machine

pytestmark = pytest.mark.slow
"""Real processes, each of which asks a real index."""

SERVER = "sync --frozen --inexact --no-dev " + " ".join(f"--no-install-package={one}" for one in UNREAD_PACKAGES)
ALL = "sync --frozen --inexact"


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with served_index() as index:
        yield index


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


# The Python that it starts in ----------------------------------------------------------------------------------------


def test_a_missing_python_is_named(newcomer: Newcomer) -> None:
    answer = newcomer.makes("run", "PYTHON=no-such-python")

    assert answer.returncode != 0
    assert "There is no 'no-such-python' here. Install Python 3.11 or newer" in answer.stderr


@pytest.mark.parametrize("path", ["tools/__init__.py", "tools/bootstrap/__init__.py", "tools/bootstrap/__main__.py"])
def test_an_old_python_can_read_what_tells_it_so(path: str) -> None:
    ast.parse(text(path), feature_version=(3, 7))


def old(newcomer: Newcomer, path: str) -> "subprocess.CompletedProcess[str]":
    """What Python 3.9 does."""
    lines = "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_module('tools.bootstrap', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", lines, ".venv"],
        cwd=newcomer.folder,
        env={**newcomer.environ(), "PATH": path},
        capture_output=True,
        check=False,
        text=True,
    )


def test_an_old_python_is_refused_by_its_version(newcomer: Newcomer) -> None:
    answer = old(newcomer, "/nowhere")

    assert answer.returncode == 1
    assert "Python 3.9 is too old, and there is no newer one here. Install Python 3.11 or newer" in answer.stderr


def test_an_old_python_hands_over_to_a_newer_one_beside_it(newcomer: Newcomer) -> None:
    newer = newcomer.home / "python3.12"
    newer.write_text('#!/bin/sh\necho "newer: $*"\n')
    newer.chmod(0o755)

    assert old(newcomer, str(newcomer.home)).stdout == "newer: -m tools.bootstrap .venv\n"


# What is fetched -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "gzip", "html"])
def test_the_locked_uv_comes_from_the_index_by_name_and_makes_the_environment(
    newcomer: Newcomer, index: PackageIndex, form: str
) -> None:
    index.form = form
    answer = newcomer.sets_up(UV_INDEX=index.url)

    assert answer.returncode == 0, answer.stderr
    assert [path for path, _ in index.asked] == ["/simple/uv/", f"/files/{NAME}"]
    assert newcomer.calls == [
        f"uv venv --clear --python {sys.executable} {newcomer.folder}/.venv",
        f"uv {SERVER}",
    ]
    assert newcomer.seen_by_uv["UV_PROJECT_ENVIRONMENT"] == str(newcomer.folder / ".venv")
    assert newcomer.seen_by_uv["UV_PYTHON_DOWNLOADS"] == "never"
    assert answer.stderr.splitlines()[0] == "Setting up, this once …"
    assert list((newcomer.folder / "build").iterdir()) == [], "uv takes as much disk as half a server"


def test_a_mirror_is_asked_for_every_package_by_name(newcomer: Newcomer, index: PackageIndex) -> None:
    answer = newcomer.sets_up("--dev", UV_DEFAULT_INDEX=index.url)

    assert answer.returncode == 0, answer.stderr
    assert [call.split()[1] for call in newcomer.calls] == ["venv", "export", "pip"]
    assert "--no-deps --verify-hashes" in newcomer.calls[-1]
    assert "--no-dev" not in " ".join(newcomer.calls)


def test_after_a_failure_uv_is_not_fetched_again(newcomer: Newcomer, index: PackageIndex) -> None:
    assert newcomer.sets_up(UV_INDEX=index.url, FAILING="sync").returncode == 1
    index.asked.clear()

    assert newcomer.sets_up(UV_INDEX=index.url).returncode == 0
    assert index.asked == []


def test_uv_alone_is_what_an_image_is_built_with(newcomer: Newcomer, index: PackageIndex) -> None:
    answer = newcomer.sets_up("--uv", UV_INDEX=index.url)

    assert answer.returncode == 0, answer.stderr
    assert [path.name for path in (newcomer.folder / ".venv").iterdir()] == ["uv"]
    assert os.access(newcomer.folder / ".venv" / "uv", os.X_OK)
    assert list((newcomer.folder / "build").iterdir()) == []
    assert newcomer.calls == []


def test_a_uv_of_that_version_on_the_path_will_do(newcomer: Newcomer) -> None:
    program = newcomer.home / "uv"
    program.write_text(f"#!/bin/sh\necho uv {VERSION}\n")
    program.chmod(0o755)

    assert newcomer.sets_up(PATH=f"{newcomer.home}:{os.environ['PATH']}", UV_NO_INDEX="1").returncode == 0


def test_a_folder_of_wheels_will_do(newcomer: Newcomer) -> None:
    (newcomer.home / NAME).write_bytes(wheel_of())
    answer = newcomer.sets_up(PIP_FIND_LINKS=str(newcomer.home), PIP_NO_INDEX="1")

    assert answer.returncode == 0, answer.stderr
    assert newcomer.seen_by_uv["UV_FIND_LINKS"] == str(newcomer.home)
    assert newcomer.seen_by_uv["UV_NO_INDEX"] == "true"


def test_what_may_pass_is_tried_again(newcomer: Newcomer, index: PackageIndex) -> None:
    index.failures = 2

    assert newcomer.sets_up(UV_INDEX=index.url).returncode == 0


# Who asks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["address", "netrc", "variables"])
def test_an_index_is_told_who_asks_and_nobody_else_is(newcomer: Newcomer, index: PackageIndex, place: str) -> None:
    index.credentials = "ada:p@ss"
    with served_index() as elsewhere:
        index.files_at = elsewhere.origin.replace("127.0.0.1", "localhost")
        settings = {"UV_DEFAULT_INDEX": index.url}
        if place == "address":
            settings = {"PIP_INDEX_URL": index.url.replace("//", "//ada:p%40ss@")}
        elif place == "netrc":
            netrc = newcomer.home / ".netrc"
            netrc.write_text("machine 127.0.0.1 login ada password p@ss\n")
            netrc.chmod(0o600)
        else:
            settings = {
                "UV_DEFAULT_INDEX": f"ours={index.url}",
                "UV_INDEX_OURS_USERNAME": "ada",
                "UV_INDEX_OURS_PASSWORD": "p@ss",
            }
        answer = newcomer.sets_up(**settings)

        assert answer.returncode == 0, answer.stderr
        assert elsewhere.asked == [(f"/files/{NAME}", None)]


def test_an_index_that_wants_to_know_who_asks_is_named_without_the_password(
    newcomer: Newcomer, index: PackageIndex
) -> None:
    index.credentials = "ada:right"
    answer = newcomer.sets_up(PIP_INDEX_URL=index.url.replace("//", "//ada:wrong@"))

    assert answer.returncode == 1
    assert f"{index.url} answers 401" in answer.stderr
    assert (
        "It wants to know who asks: put name and password into the index's address, or into ~/.netrc." in answer.stderr
    )
    assert "wrong" not in answer.stderr


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """An authority of a company's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a company")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "company.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "PIP_CERT"])
def test_a_certificate_counts_when_it_is_named(newcomer: Newcomer, tmp_path: Path, variable: str) -> None:
    public, context = certificate(tmp_path)
    with served_index(context) as index:
        refused = newcomer.sets_up(UV_DEFAULT_INDEX=index.url)
        assert refused.returncode == 1
        assert f"{index.url} cannot be trusted: self-signed certificate" in refused.stderr
        assert "sudo apt-get install ca-certificates" in refused.stderr

        answer = newcomer.sets_up(**{"UV_DEFAULT_INDEX": index.url, variable: str(public)})
        assert answer.returncode == 0, answer.stderr
        assert newcomer.seen_by_uv["SSL_CERT_FILE"] == str(public)


# How it fails --------------------------------------------------------------------------------------------------------


def test_a_file_with_another_hash_is_thrown_away(newcomer: Newcomer, index: PackageIndex) -> None:
    newcomer.lock(b"what was locked")
    answer = newcomer.sets_up(UV_DEFAULT_INDEX=index.url)

    assert answer.returncode == 1
    assert f"What {index.url} gave for {NAME} is not the file that this project has locked" in answer.stderr
    assert list((newcomer.folder / "build").glob(f"uv-{VERSION}/*")) == []
    assert newcomer.calls == []


def test_an_index_without_uv_is_named(newcomer: Newcomer, index: PackageIndex) -> None:
    index.file = None
    answer = newcomer.sets_up(PIP_INDEX_URL=index.url)

    assert answer.returncode == 1
    assert f"{index.url} has no {NAME}" in answer.stderr
    assert "With a package mirror of your own: UV_DEFAULT_INDEX=https://HOST/simple, or PIP_INDEX_URL" in answer.stderr
    assert "has no uv (404)" in newcomer.sets_up(PIP_INDEX_URL=f"{index.origin}/other").stderr


def test_an_answer_that_is_no_index_is_named(newcomer: Newcomer, index: PackageIndex) -> None:
    index.form = "nonsense"

    assert "answers with something that is no list of packages" in newcomer.sets_up(PIP_INDEX_URL=index.url).stderr


def test_without_a_network_the_message_says_what_to_look_at(newcomer: Newcomer) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        answer = newcomer.makes("run", PIP_INDEX_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}/simple")

    assert answer.returncode != 0
    assert "cannot be reached: Connection refused" in answer.stderr
    assert "Is this machine online?" in answer.stderr
    assert "Behind a proxy, name it: HTTPS_PROXY=" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("complaint", "meaning"),
    [
        ("error: No space left on device (os error 28)", "The disk is full"),
        ("error sending request for url (https://example.com)", "Is this machine online?"),
        ("cause: invalid peer certificate: UnknownIssuer", "Its certificate is not trusted here."),
        ("HTTP status client error: status code: 401", "It wants to know who asks"),
        ("Hash mismatch for `click==8`", "is not the file that this project has locked"),
        ("Because click was not found in the package registry", "The package index does not have all that is needed."),
        ("Permission denied (os error 13)", "Something here cannot be written."),
        ("error: nobody has seen this one", "the last words were:\n  error: nobody has seen this one"),
    ],
)
def test_what_uv_complains_of_is_told_in_plain_words(
    newcomer: Newcomer, index: PackageIndex, complaint: str, meaning: str
) -> None:
    answer = newcomer.sets_up(UV_INDEX=index.url, FAILING="sync", COMPLAINT=complaint)

    assert answer.returncode == 1
    assert meaning in answer.stderr
    log = newcomer.folder / "build" / "setup.log"
    assert f"More is in {log}." in answer.stderr
    assert log.read_text() == f"{complaint}\n"


def test_a_full_disk_and_a_folder_of_somebody_elses_are_told_apart() -> None:
    assert "The disk is full: here needs" in unwritable(Path("here"), OSError(errno.ENOSPC, "No space left on device"))
    assert "cannot be written: Permission denied" in unwritable(
        Path("here"), OSError(errno.EACCES, "Permission denied")
    )


# What is there already -----------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_environment_is_left_alone(newcomer: Newcomer, index: PackageIndex) -> None:
    mine = newcomer.folder / ".venv" / "mine"
    mine.parent.mkdir()
    mine.touch()
    answer = newcomer.sets_up(UV_INDEX=index.url)

    assert answer.returncode == 1
    assert f"{mine.parent} is there and is no Python environment. Move it away" in answer.stderr
    assert mine.exists()


def test_an_environment_that_works_is_kept_and_one_that_does_not_is_made_anew(
    newcomer: Newcomer, index: PackageIndex
) -> None:
    folder = newcomer.folder / ".venv"
    folder.symlink_to(sys.prefix)
    assert newcomer.sets_up(UV_INDEX=index.url).returncode == 0
    assert newcomer.calls == [f"uv {SERVER}"]

    folder.unlink()
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    (folder / "bin" / "python").symlink_to("/nowhere/python3")
    assert newcomer.sets_up(UV_INDEX=index.url).returncode == 0
    assert newcomer.calls[1].startswith("uv venv --clear ")


def test_running_after_testing_sets_nothing_up_again(newcomer: Newcomer, index: PackageIndex) -> None:
    (newcomer.folder / ".venv").symlink_to(newcomer.home)
    (newcomer.home / "pyvenv.cfg").touch()
    assert newcomer.makes(".venv/.runnable", UV_INDEX=index.url).returncode == 0
    assert newcomer.makes("-q", ".venv/.synced").returncode == 1
    assert newcomer.makes(".venv/.synced", UV_INDEX=index.url).returncode == 0
    assert [call for call in newcomer.calls if "sync" in call] == [f"uv {SERVER}", f"uv {ALL}"]

    assert newcomer.makes("-q", ".venv/.runnable").returncode == 0


def test_what_python_has_compiled_already_is_not_compiled_again(newcomer: Newcomer, index: PackageIndex) -> None:
    program = newcomer.folder / ".venv" / "bin" / "storefront-mcp"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    (newcomer.folder / ".venv" / "pyvenv.cfg").touch()
    answer = newcomer.makes("run", UV_INDEX=index.url, PYTHONDONTWRITEBYTECODE="1")

    assert answer.returncode == 0, answer.stderr
    assert not re.search("^PYTHON(PYCACHEPREFIX|DONTWRITEBYTECODE)=", answer.stdout, re.MULTILINE)
    assert "PYTHONPYCACHEPREFIX" not in newcomer.seen_by_uv


def test_variables_that_would_change_what_is_made_do_not_count(newcomer: Newcomer, index: PackageIndex) -> None:
    more = {"UV_PROJECT_ENVIRONMENT": "/elsewhere", "UV_NO_VERIFY_HASHES": "1", "VIRTUAL_ENV": "/elsewhere"}
    assert newcomer.sets_up(UV_INDEX=index.url, UV_LINK_MODE="copy", **more).returncode == 0

    assert newcomer.seen_by_uv["UV_PROJECT_ENVIRONMENT"] == str(newcomer.folder / ".venv")
    assert newcomer.seen_by_uv["UV_LINK_MODE"] == "copy"
    assert not {"UV_NO_VERIFY_HASHES", "VIRTUAL_ENV"} & newcomer.seen_by_uv.keys()


def test_without_a_place_for_caches_in_the_home_they_are_in_the_checkout(
    newcomer: Newcomer, index: PackageIndex
) -> None:
    (newcomer.home / ".cache").touch()
    assert newcomer.sets_up("--dev", UV_INDEX=index.url).returncode == 0

    assert newcomer.seen_by_uv["UV_CACHE_DIR"] == str(newcomer.folder / "build" / "cache")


def test_a_look_at_the_demo_leaves_no_cache_where_there_was_none(newcomer: Newcomer, index: PackageIndex) -> None:
    assert newcomer.sets_up(UV_INDEX=index.url).returncode == 0
    used = Path(newcomer.seen_by_uv["UV_CACHE_DIR"])
    assert newcomer.folder / "build" in used.parents
    assert not used.exists()
    assert not (newcomer.home / ".cache").exists()

    (newcomer.home / ".cache" / "uv").mkdir(parents=True)
    assert newcomer.sets_up(UV_INDEX=index.url).returncode == 0
    assert "UV_CACHE_DIR" not in newcomer.seen_by_uv


def test_the_demo_gets_its_search_library_where_there_is_a_wheel_of_it(newcomer: Newcomer, index: PackageIndex) -> None:
    lock = newcomer.folder / "uv.lock"
    for tag, extra in ((f"linux_{this_machine().architecture}", True), ("linux_none", False)):
        newcomer.lock(wheel_of())
        wheel = f"tantivy-0.27.0-cp311-abi3-{tag}.whl"
        with lock.open("a") as file:
            file.write(
                '[[package]]\nname = "tantivy"\nversion = "0.27.0"\nsource = { registry = "https://nowhere.invalid" }\n'
                f'wheels = [{{ url = "https://nowhere.invalid/{wheel}", hash = "sha256:00" }}]\n'
            )
        assert newcomer.sets_up(UV_INDEX=index.url).returncode == 0
        assert ("--extra mirror" in newcomer.calls[-1]) is extra


@pytest.mark.parametrize(("arguments", "left"), [((), {"parser.so", "parser.py"}), (("--dev",), None)])
def test_what_modules_were_compiled_from_takes_no_room_in_a_demo(
    newcomer: Newcomer, index: PackageIndex, arguments: tuple[str, ...], left: set[str] | None
) -> None:
    package = newcomer.folder / ".venv" / "lib" / "python3.11" / "site-packages" / "parser"
    package.mkdir(parents=True)
    (newcomer.folder / ".venv" / "pyvenv.cfg").touch()
    files = {"parser.c", "parser.pyx", "parser.so", "parser.py"}
    for name in files:
        (package / name).touch()
    assert newcomer.sets_up(*arguments, UV_INDEX=index.url).returncode == 0
    assert {path.name for path in package.iterdir()} == (left or files)


# Machines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "tag"),
    [
        (Machine("Linux", "x86_64", glibc=(2, 36)), "manylinux_2_17_x86_64."),
        (Machine("Linux", "x86_64", glibc=(2, 12)), "musllinux_1_1_x86_64"),
        (Machine("Linux", "x86_64"), "musllinux_1_1_x86_64"),
        (Machine("Linux", "aarch64", glibc=(2, 41)), "manylinux_2_17_aarch64."),
        (Machine("Linux", "aarch64"), "musllinux_1_1_aarch64"),
        (Machine("Linux", "armv7l", glibc=(2, 31)), "armv7l"),
        (Machine("Linux", "armv6l", glibc=(2, 31)), "linux_armv6l"),
        (Machine("Linux", "s390x", glibc=(2, 36)), "manylinux_2_17_s390x."),
        (Machine("Linux", "riscv64", glibc=(2, 36)), "manylinux_2_31_riscv64"),
        (Machine("Darwin", "arm64", macos=(14, 2)), "macosx_11_0_arm64"),
        (Machine("Darwin", "x86_64", macos=(10, 15)), "macosx_10_12_x86_64"),
        (Machine("Darwin", "x86_64", macos=(10, 9)), None),
        (Machine("Linux", "s390x"), None),
        (Machine("FreeBSD", "x86_64"), None),
    ],
)
def test_each_machine_gets_its_wheel(machine: Machine, tag: str | None) -> None:
    locked = locked_uv(ROOT / "uv.lock")
    names = [*fitting(locked.wheels, machine), ""]

    assert tag in names[0] if tag is not None else names == [""]
    assert all(len(digest) == 64 for digest in locked.wheels.values())


def test_a_machine_without_a_wheel_takes_the_locked_versions_by_pip(
    newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = newcomer.home / "python"
    python.write_text(
        '#!/bin/sh\necho "$*" >>"$HOME/calls"\n'
        'if [ "$2" = venv ]; then mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; fi\n'
        'while [ $# -gt 0 ]; do if [ "$1" = --constraint ]; then cat "$2" >>"$HOME/calls"; fi; shift; done\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(environment, "this_machine", lambda: Machine("FreeBSD", "x86_64"))
    monkeypatch.setattr(environment, "PROJECT", newcomer.folder)
    monkeypatch.setattr(environment, "BUILD", newcomer.folder / "build")
    monkeypatch.setattr(sys, "executable", str(python))
    folder = newcomer.folder / ".venv"
    environment.make_environment(folder, dev=True, environ=newcomer.environ(), show=str)

    assert newcomer.calls[0] == f"-m venv --clear {folder}"
    assert newcomer.calls[1].startswith("-m pip install --quiet --constraint ")
    assert newcomer.calls[1].endswith(f"--editable {newcomer.folder} pytest>=9")
    assert "pytest==9.0.1" in newcomer.calls

    shutil.rmtree(folder)
    python.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(SetupFailed, match="There is no installer for FreeBSD on x86_64, and this Python has no pip"):
        environment.make_environment(folder, dev=True, environ=newcomer.environ(), show=str)


# What is said meanwhile ----------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_progress_is_one_line_that_moves() -> None:
    terminal = Terminal()
    with ProgressLine("Setting up", stream=terminal) as progress:
        progress.show("fetching, 1 of 2 MB")
        progress.show("fetching, 2 of 2 MB")

    said = terminal.getvalue()
    assert said.count("\n") == 1
    assert said.count("\r\033[K") == 3
    assert said.endswith("\r\033[KSetting up: done in 1 s.\n")
