"""Environments of foreign A2A clients, each made of its lock once; as a program, writes the locks anew."""

import sys
from pathlib import Path

from tests.external.clients.environments import compile_lock, python_environment

LOCKS = Path(__file__).with_name("environments")
ASKED = {
    # Brings the Python SDK, too.
    "a2a-handler": ["a2a-handler==0.4.0", "a2a-sdk==1.3.0"],
    "a2a-sdk-0.3": ["a2a-sdk==0.3.26"],
    "google-adk": ["google-adk[a2a]==2.13.0"],
    "a2a-lint": ["a2a-lint==0.1.1"],
}
"""What is asked of each, by name; environments/ locks what they get."""


def lock_of(name: str) -> Path:
    """What an environment is made of, to the last package."""
    return LOCKS / f"{name}.txt"


def a2a_environment(name: str) -> Path:
    """The folder of an environment."""
    return python_environment(f"a2a {name}".replace(" ", "-"), lock_of(name))


if __name__ == "__main__":
    for one in sys.argv[1:] or ASKED:
        compile_lock(lock_of(one), ASKED[one])
