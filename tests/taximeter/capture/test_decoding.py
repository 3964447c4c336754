"""Content encodings are undone piece by piece."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taximeter.capture.decoding import PIECE_BYTES, UnknownEncoding, decoder

PACKERS = {"gzip": 31, "deflate": 15, "x-gzip": 31}


def packed(plain: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(wbits=wbits)
    return packer.compress(plain) + packer.flush()


def undone(encoding: str, wire: bytes, size: int) -> bytes:
    decode = decoder(encoding)
    assert decode is not None
    pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
    return b"".join(plain for piece in pieces for plain in decode(piece))


@given(
    st.sampled_from(sorted(PACKERS)),
    st.binary(max_size=2000),
    st.integers(min_value=1, max_value=50),
)
def test_what_was_packed_comes_back_in_pieces_of_any_size(
    encoding: str, plain: bytes, size: int
) -> None:
    assert undone(encoding, packed(plain, PACKERS[encoding]), size) == plain


def test_deflate_without_the_zlib_header_is_understood() -> None:
    assert undone("deflate", packed(b"Hello" * 99, -15), 7) == b"Hello" * 99


def test_much_inflates_in_bounded_pieces() -> None:
    decode = decoder("gzip")
    assert decode is not None
    pieces = list(decode(packed(bytes(10 * PIECE_BYTES), 31)))
    assert max(map(len, pieces)) == PIECE_BYTES
    assert sum(map(len, pieces)) == 10 * PIECE_BYTES


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_nothing_to_undo_needs_no_decoder(encoding: str) -> None:
    assert decoder(encoding) is None


@pytest.mark.parametrize("encoding", ["rot13", "gzip, br", "compress"])
def test_an_encoding_nobody_undoes_is_named(encoding: str) -> None:
    with pytest.raises(UnknownEncoding):
        decoder(encoding)
