"""What tests need of Debian is unpacked, not installed: by anybody, from a repository that apt is told of."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.programs import reachable
from tools import debian_programs

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs Debian's own tools")]
CONTROL = """\
Package: {name}
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@pickle.example>
Description: a program
Depends: {depends}
"""


def packed(folder: Path, name: str, files: dict[str, str], *, depends: str = "") -> str:
    """Build a package into a repository; its entry in the index."""
    root = folder / f"{name}-files"
    control = CONTROL.format(name=name, depends=depends).replace("Depends: \n", "")
    for path, text in {"DEBIAN/control": control, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        (root / path).chmod(0o755)
    archive = folder / f"{name}_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", root, archive], check=True, capture_output=True)
    content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return f"{control}Filename: ./{archive.name}\nSize: {len(content)}\nSHA256: {digest}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one repository that apt knows of, with a program that needs a library; its folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    program = '#!/bin/sh\necho "runs with $(cat "${LD_LIBRARY_PATH%%:*}/libsong.so") and $*"\n'
    entries = [
        packed(folder, "sing", {"usr/bin/sing": program}, depends="libsong"),
        packed(folder, "libsong", {"usr/lib/song/libsong.so": "a library"}),
    ]
    (folder / "Packages").write_text("\n".join(entries))
    sources = tmp_path / "sources.list"
    sources.write_text(f"deb [trusted=yes] copy:{folder} ./\n")
    (tmp_path / "status").touch()
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::SourceList "{sources}";\nDir::Etc::SourceParts "-";\nDir::State::status "{tmp_path / "status"}";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    monkeypatch.setitem(debian_programs.PROGRAMS, "sing", ("usr/bin/sing",))
    return folder


def test_a_program_is_unpacked_with_what_it_needs_and_runs_from_anywhere(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "debian"
    assert not debian_programs.is_here("sing", folder=folder)

    debian_programs.refresh(folder)
    debian_programs.unpack("sing", folder=folder)

    assert debian_programs.is_here("sing", folder=folder)
    moved = folder.rename(tmp_path / "moved")
    script = shutil.which("sing", path=debian_programs.search_path(folder=moved))
    assert script == str(moved / "sing" / "bin" / "sing")
    said = subprocess.run([script, "words"], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "runs with a library and words\n"


def test_what_is_not_to_be_had_is_told_in_apts_words_and_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    debian_programs.refresh(tmp_path / "debian")

    with pytest.raises(debian_programs.NotUnpacked, match="Unable to locate package dance"):
        debian_programs.unpack("dance", folder=tmp_path / "debian")

    assert not (tmp_path / "debian" / "dance").exists()


def test_an_archive_that_does_not_answer_is_done_without(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "sources.list").open("a") as sources:
        sources.write(f"deb [trusted=yes] copy:{tmp_path}/security ./\n")

    debian_programs.refresh(tmp_path / "debian")
    debian_programs.unpack("sing", folder=tmp_path / "debian")

    assert "does without" in capsys.readouterr().err
    assert debian_programs.is_here("sing", folder=tmp_path / "debian")


def test_a_program_in_a_closed_folder_can_be_run_by_others(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr("tests.programs.FOLDER", closed)
    debian_programs.refresh(closed)
    debian_programs.unpack("sing", folder=closed)

    beside = reachable(str(closed / "sing" / "bin" / "sing"), tmp_path / "open")

    assert not beside.is_relative_to(closed)
    assert not os.path.realpath(beside).startswith(str(closed))
    said = subprocess.run([beside], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "runs with a library and \n"


def test_fonts_are_cached_beside_the_program_and_not_where_it_is_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fontconfig takes a relative folder for caches from where it runs, unless it is below XDG_CACHE_HOME."""
    files = {"usr/bin/draw": "#!/bin/sh\necho $FONTCONFIG_FILE $XDG_CACHE_HOME\n", "usr/share/fonts/one.ttf": ""}
    (repository / "Packages").write_text(packed(repository, "draw", files))
    monkeypatch.setitem(debian_programs.PROGRAMS, "draw", ("usr/bin/draw",))
    folder = tmp_path / "debian"
    debian_programs.refresh(folder)
    debian_programs.unpack("draw", folder=folder)

    said = subprocess.run([folder / "draw" / "bin" / "draw"], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.split() == [str(folder / "draw" / "fonts.conf"), str(folder / "draw" / "cache")]
    assert '<cachedir prefix="xdg">' in (folder / "draw" / "fonts.conf").read_text()
