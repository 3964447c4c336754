"""An OTLP trace export, protobuf or JSON, to the spans any dialect can use."""

from __future__ import annotations

from typing import Final

from taximeter_processor.errors import BadRequest
from taximeter_processor.ingest.decoded import Decoded, Rejected
from taximeter_processor.ingest.dialects import RESOURCE_KEYS, SPAN_KEYS
from taximeter_processor.ingest.otlp_json import JsonDecoder
from taximeter_processor.ingest.protobuf import ProtobufDecoder

__all__ = ["JSON", "PROTOBUF", "Decoded", "Decoder", "Rejected", "media_type"]

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"


def media_type(content_type: str) -> str:
    """A `Content-Type` header without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


class Decoder:
    """Decodes bodies of either encoding; `more_keys` are attributes that aliases name."""

    def __init__(self, more_keys: frozenset[str] = frozenset()) -> None:
        wanted = SPAN_KEYS | more_keys
        resource_wanted = RESOURCE_KEYS | more_keys
        self._decoders: dict[str, ProtobufDecoder | JsonDecoder] = {
            PROTOBUF: ProtobufDecoder(wanted, resource_wanted),
            JSON: JsonDecoder(wanted, resource_wanted),
        }

    def decode(self, body: bytes, content_type: str, now_ns: int) -> Decoded:
        """Every span of the body, good or rejected with its reason.

        Raises `BadRequest` 400 for bytes that are no trace export, 413 for more than 10,000 spans
        and 415 for another content type.
        """
        decoder = self._decoders.get(media_type(content_type))
        if decoder is None:
            raise BadRequest(415, "content_type", f"{content_type!r} is not {PROTOBUF} or {JSON}")
        return decoder.decode(body, now_ns)
