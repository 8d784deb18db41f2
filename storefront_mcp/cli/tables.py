"""Printing tables without cutting cells."""

from typing import Final

from rich.console import Console
from rich.table import Table

MEASURING_COLUMNS: Final = 10_000
"""Wider than any table, to measure one."""


def print_table(table: Table) -> None:
    """Print a table where it fits the terminal, else one line for each cell."""
    console = Console(highlight=False)
    wide = Console(width=MEASURING_COLUMNS, highlight=False)
    needed = wide.measure(table).maximum
    if not console.is_terminal:
        # A file or a pipe has no edge.
        console = Console(width=max(console.width, needed), highlight=False)
    if needed <= console.width:
        console.print(table)
        return
    if table.title is not None:
        console.print(table.title)
    names = [str(column.header) for column in table.columns]
    longest = max(len(name) for name in names)
    for number in range(table.row_count):
        if number:
            console.print()
        for name, column in zip(names, table.columns, strict=True):
            cell = list(column.cells)[number]
            console.print(f"{name.ljust(longest)}  {cell}", soft_wrap=True)
