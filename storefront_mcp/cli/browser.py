"""Opening a page in the user's web browser."""

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping

import click


def open_page(url: str) -> None:
    """Open a page in the browser, in a thread; prints the URL where there is no browser."""
    if has_screen(os.environ, sys.platform):
        threading.Thread(target=_open, args=(url,), name="open the browser", daemon=True).start()
    else:
        click.echo(f"  There is no screen here for a browser. Open {url} yourself.", err=True)


def has_screen(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a graphical browser can be opened; a text browser would take over the terminal."""
    return platform == "darwin" or any(environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def _open(url: str) -> None:
    try:
        opened = webbrowser.open(url)
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        click.echo(f"  No browser could be opened. Open {url} yourself.", err=True)
