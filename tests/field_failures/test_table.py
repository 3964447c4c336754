"""docs/field-failures.md names exactly the tests there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = (HERE.parents[1] / "docs" / "field-failures.md").read_text()


def named_here() -> set[str]:
    """Every test of this package but the ones about the table itself."""
    return {
        node.name
        for path in HERE.glob("test_*.py")
        if path != Path(__file__)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def rows() -> list[str]:
    lines = [line for line in TABLE.splitlines() if line.startswith("|")]
    return lines[2:]


def test_the_table_has_every_failure_with_a_test() -> None:
    assert len(rows()) == 20
    assert all(re.search(r"`test_\w+`", row) for row in rows())


def test_the_table_names_every_test_and_no_other() -> None:
    assert set(re.findall(r"`(test_\w+)`", TABLE)) == named_here()
