"""The browser of a person who signs in, for programs that open one."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from storefront_mcp.demo.customers import PICKLERS
from tests.external.clients.environments import SILENT
from tests.external.clients.programs import BIN
from tests.fakes import person
from tests.serving import free_port

SCRIPT = Path(__file__).with_name("journeys") / "open_as_person.py"


def person_environment(home: Path, *, without: str = "") -> Mapping[str, str]:
    """Variables of a program whose home is this folder; what it opens is answered by the demo's first customer.

    The first time they take away the scopes `without`, separated by spaces.
    """
    opens = home / "browser"
    # As browsers do, it does not keep whoever opens it waiting: that may be who is to be led back to.
    opens.write_text(f'#!/bin/sh\n"{sys.executable}" "{SCRIPT}" "$1" &\n')
    opens.chmod(0o755)
    for name in ("xdg-open", "open"):
        (home / name).symlink_to(opens)
    return {
        **SILENT,
        "HOME": str(home),
        "PATH": f"{home}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}",
        "BROWSER": str(opens),
        # The Inspector listens at one port, which another one may have just now; and its tokens are nothing for the
        # keychain of whoever runs the tests, which not every machine has.
        "MCP_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{free_port()}/oauth/callback",
        "MCP_INSPECTOR_SECRET_STORE": "file",
        "PERSON_FOLDER": str(Path(person.__file__).parent),
        "PERSON_EMAIL": PICKLERS[0].email,
        "PERSON_PASSWORD": PICKLERS[0].password,
        "PERSON_WITHOUT": without,
    }
