"""Files come apart into numbered lines, gzipped or not, and a broken file says so."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from taximeter_processor.errors import TaximeterError
from taximeter_processor.importers import lines
from taximeter_processor.importers.lines import lines_of


def read(path: Path) -> list[tuple[int, bytes]]:
    return [(line.number, line.data) for line in lines_of(path)]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_lines_keep_their_numbers_and_blank_ones_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"one\n\n \ntwo")
    assert read(path) == [(1, b"one"), (4, b"two")]


def test_the_end_of_a_line_is_no_part_of_it(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.jsonl", b"one\r\none\none")) == [
        (1, b"one"), (2, b"one"), (3, b"one"),
    ]  # fmt: skip


def test_a_gzipped_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert read(path) == [(1, b"one"), (2, b"two")]


def test_progress_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"one\ntwo\n")
    assert [line.position for line in lines_of(path)] == [4, 8]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.jsonl", b"")) == []


def test_a_line_without_end_is_cut_off_and_the_next_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_BYTES", 4)
    path = write(tmp_path / "a.jsonl", b"123456789012\nxyz\nabcd\nend\n")
    assert read(path) == [(1, b"1234"), (2, b"xyz"), (3, b"abcd"), (4, b"end")]


@pytest.mark.parametrize(
    "content", [gzip.compress(b"one\n" * 100)[:-9], b"\x1f\x8bnonsense", b"\x1f\x8b"]
)
def test_a_broken_gzip_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "a.jsonl.gz", content)
    with pytest.raises(TaximeterError, match=r"a\.jsonl\.gz: "):
        read(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaximeterError, match="absent: No such file"):
        read(tmp_path / "absent")
