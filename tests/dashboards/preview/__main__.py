"""`python -m tests.dashboards.preview`: every board over the history, as pages and screenshots."""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from taximeter_processor.ledger.record import Record
from taximeter_processor.observability.queries import fill
from tests.dashboards import answers, calls_database, workload
from tests.dashboards.history import HistoryServer, build
from tests.dashboards.preview.drawing import Answered, page
from tests.support.servers import Postgres, program

CHROMIUM = "chromium"
_ROW_PX = 38


def main() -> None:
    """Write a page for each board and theme, and a screenshot of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".build/dashboards"), metavar="DIR")
    parser.add_argument("--pages-only", action="store_true", help="take no screenshots")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    records = workload.records()
    print("five weeks of calls through the counters and the ledger's gauges: about a minute")
    with tempfile.TemporaryDirectory(prefix="taximeter-history-") as directory:
        history = build(Path(directory), records)
        try:
            boards = {
                path.stem: answers.board(path.stem)
                for path in sorted(answers.BOARDS.glob("*.json"))
            }
            for uid, board in boards.items():
                panels = _answered(history, records, board)
                _write(options.out, uid, board, panels, _marks(history, board))
                if not options.pages_only:
                    _photograph(options.out, uid, board)
                print(options.out / f"{uid}-light.html")
        finally:
            history.stop()


def _answered(
    history: HistoryServer, records: Sequence[Record], board: Mapping[str, Any]
) -> list[Answered]:
    if any("rawSql" in target for panel in board["panels"] for target in panel.get("targets", ())):
        return _asked_of_postgres(records, board)
    found: dict[int, list[Any]] = {}
    for target in answers.targets(board):
        found.setdefault(target.panel["id"], []).append((target, answers.ask(history, target)))
    return [Answered(panel, found.get(panel["id"], ())) for panel in board["panels"]]


def _asked_of_postgres(records: Sequence[Record], board: Mapping[str, Any]) -> list[Answered]:
    with tempfile.TemporaryDirectory(prefix="taximeter-postgres-") as directory:
        server = Postgres(Path(directory))
        server.start()
        try:
            with calls_database.ledger(server.new_database(), records) as connection:
                choices = calls_database.offered(connection, board)
                return [
                    Answered(
                        panel,
                        rows=[
                            row
                            for target in panel.get("targets", ())
                            for row in calls_database.answer(connection, target["rawSql"], choices)
                        ],
                    )
                    for panel in board["panels"]
                ]
        finally:
            server.stop()


def _marks(history: HistoryServer, board: Mapping[str, Any]) -> dict[float, str]:
    """When annotations that are at their value's time are drawn, and their titles."""
    return {
        series.points[-1][1] / 1000: series.labels["optimization"]
        for note in board["annotations"].get("list", ())
        if note.get("useValueForTime")
        for series in history.at(fill(note["expr"]))
    }


def _write(
    out: Path,
    uid: str,
    board: Mapping[str, Any],
    panels: Sequence[Answered],
    marks: Mapping[float, str],
) -> None:
    for theme in ("light", "dark"):
        (out / f"{uid}-{theme}.html").write_text(page(board, panels, marks, theme))


def _photograph(out: Path, uid: str, board: Mapping[str, Any]) -> None:
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    shots = (
        ("light", "light", 1568, rows * _ROW_PX + 150),
        ("dark", "dark", 1568, rows * _ROW_PX + 150),
        ("light", "phone", 500, 5000),
    )
    for theme, name, width, height in shots:
        source = (out / f"{uid}-{theme}.html").resolve().as_uri()
        command = [program(CHROMIUM), "--headless", "--no-sandbox", "--hide-scrollbars"]
        size = f"--window-size={width},{height}"
        image = f"--screenshot={out / f'{uid}-{name}.png'}"
        subprocess.run([*command, size, image, source], check=True, capture_output=True)


if __name__ == "__main__":
    main()
