"""CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io

import pytest

from taximeter_processor.reports.spreadsheet import to_csv


@pytest.mark.parametrize("value", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\tx", "\rx"])
def test_text_that_would_run_is_quoted(value: str) -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv([{"feature": value}]), newline=""))
    assert row["feature"] == f"'{value}"


@pytest.mark.parametrize("value", ["-0.5", "+3", 'say "hi", twice', "ünï", "a\nb"])
def test_numbers_and_harmless_text_stay_as_they_are(value: str) -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv([{"feature": value}]), newline=""))
    assert row["feature"] == value


def test_no_rows_are_no_text() -> None:
    assert to_csv([]) == ""
