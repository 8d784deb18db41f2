"""The engine: discovery documents, MCP and the way to a shop."""

import sys

# httpx loads a command line of its own where it can, and with it rich and pygments: a tenth of a second and some
# megabytes of every process. A module that is None counts as not installed, and httpx does without.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
