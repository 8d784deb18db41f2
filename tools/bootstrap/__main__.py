"""The entry point; it reads in every Python 3, so that an old one is told what to do."""

import os
import shutil
import sys

NEEDED = (3, 11)
NEWER = ("python3.14", "python3.13", "python3.12", "python3.11")


def main() -> int:
    """Go on in this Python, or in a newer one that is installed beside it."""
    if sys.version_info[:2] >= NEEDED:
        from tools.bootstrap.environment import main as make_environment  # noqa: PLC0415

        return make_environment(sys.argv[1:])
    for name in NEWER:
        found = shutil.which(name)
        if found:
            os.execv(found, [found, "-m", "tools.bootstrap"] + sys.argv[1:])  # noqa: RUF005, S606
    message = "Python {}.{} is too old, and there is no newer one here. Install Python 3.11 or newer; \
if it is installed already, name it: make {} PYTHON=/path/to/python3\n"
    target = "test" if "--dev" in sys.argv else "run"
    sys.stderr.write(message.format(sys.version_info[0], sys.version_info[1], target))
    return 1


if __name__ == "__main__":
    sys.exit(main())
