"""Run converters over the schemas on standard input (JSON, name to schema); print failures (JSON, name to text)."""

import copy
import json
import sys
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]


def convert_all(*converters: Callable[[Schema], object]) -> None:
    """Whatever a converter raises is a failure of that schema."""
    failures: dict[str, str] = {}
    for name, schema in json.load(sys.stdin).items():
        for convert in converters:
            try:
                convert(copy.deepcopy(schema))
            except Exception as error:  # noqa: BLE001 -- a converter may raise anything
                failures[name] = repr(error)
    json.dump(failures, sys.stdout)
