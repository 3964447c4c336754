"""A compressed body becomes its bytes, never more than the limit."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.body import decompress

LIMIT = 10_000


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"hello", "identity"),
        (b"hello", ""),
        (gzip.compress(b"hello"), "gzip"),
        (gzip.compress(b"hello"), " GZip "),
        (gzip.compress(b"hel") + gzip.compress(b"lo"), "gzip"),
        (zlib.compress(b"hello"), "deflate"),
    ],
)
def test_every_known_encoding_is_undone(data: bytes, encoding: str) -> None:
    assert decompress(data, encoding, LIMIT) == b"hello"


@pytest.mark.parametrize(
    ("data", "encoding", "status"),
    [
        (gzip.compress(b"x" * (LIMIT + 1)), "gzip", 413),
        (b"x" * (LIMIT + 1), "identity", 413),
        (gzip.compress(b"hello")[:-9], "gzip", 400),
        (b"no gzip at all", "gzip", 400),
        (gzip.compress(b"hello") + b"garbage", "gzip", 400),
        (b"hello", "br", 415),
    ],
)
def test_what_cannot_be_undone_is_refused_with_its_status(
    data: bytes, encoding: str, status: int
) -> None:
    with pytest.raises(BadRequest) as caught:
        decompress(data, encoding, LIMIT)
    assert caught.value.status == status


def test_a_body_of_exactly_the_limit_is_accepted() -> None:
    assert len(decompress(gzip.compress(b"x" * LIMIT), "gzip", LIMIT)) == LIMIT


def test_a_bomb_is_cut_off_without_being_produced() -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)
    with pytest.raises(BadRequest, match="exceeds 10000 bytes"):
        decompress(bomb, "gzip", LIMIT)


def test_members_are_followed_up_to_a_thousand() -> None:
    member = gzip.compress(b"x")
    assert decompress(member * 1024, "gzip", LIMIT) == b"x" * 1024
    with pytest.raises(BadRequest, match="more than 1024 compressed members"):
        decompress(member * 1025, "gzip", LIMIT)


def test_a_member_may_be_longer_than_a_piece_of_it_that_is_read() -> None:
    noise = random.Random(1).randbytes(700_000)
    two = gzip.compress(noise) + gzip.compress(b"and more")
    assert decompress(two, "gzip", 1_000_000) == noise + b"and more"
