"""Mutations of real bodies: each is read or refused, nothing else, and the reader is unharmed.

`TAXIMETER_FUZZ_EXAMPLES=100000` makes a long run of it.
"""

from __future__ import annotations

import contextlib
import gzip
import os
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.body import decompress
from tests.support.fuzz import ATTRIBUTES, BODIES, INTERESTING, take

EXAMPLES: Final = int(os.environ.get("TAXIMETER_FUZZ_EXAMPLES", "400"))
FUZZ: Final = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, str]:
    """A real body with up to a few bytes changed, cut out, repeated or put in."""
    body, content_type = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        end = min(len(body), at + draw(st.integers(0, 12)))
        put = draw(
            st.one_of(
                st.sampled_from(INTERESTING),
                st.binary(min_size=1, max_size=4),
                st.just(body[at:end] * draw(st.integers(2, 5))),
            )
        )
        body = body[:at] + put + body[end:]
    return body, content_type


@given(mutated())
@FUZZ
def test_a_mutated_body_is_read_or_refused_and_the_next_good_one_is_read(
    changed: tuple[bytes, str],
) -> None:
    with contextlib.suppress(BadRequest):
        take(*changed)
    for body, content_type in (BODIES[0], BODIES[len(ATTRIBUTES)]):
        assert [call.usage.input_tokens for call in take(body, content_type)] == [1312, 1312]


@given(st.data())
@FUZZ
def test_a_mutated_gzip_is_undone_or_refused(data: st.DataObject) -> None:
    body = gzip.compress(BODIES[0][0], mtime=0)
    at = data.draw(st.integers(0, len(body) - 1))
    body = body[:at] + data.draw(st.binary(max_size=6)) + body[at + 1 :]
    with contextlib.suppress(BadRequest):
        assert len(decompress(body, "gzip", 1 << 20)) <= 1 << 20
