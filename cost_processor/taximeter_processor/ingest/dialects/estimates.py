"""Which emitters guess the tokens that they report: a guess is never priced as if it were usage.

Source: OpenTelemetry's botocore instrumentation, where `InvokeModel` answers without a count are
measured as a sixth of their characters; streams and Converse carry Bedrock's own counts.
"""

from __future__ import annotations

from typing import Final

from taximeter_processor.model import Span

RPC_METHOD: Final = "rpc.method"
_UNCOUNTED: Final = ("cohere.command", "mistral.")


def is_estimate(span: Span, model: str) -> bool:
    """botocore tells of a Bedrock model whose answer to `InvokeModel` counts nothing."""
    return span.attributes.get(RPC_METHOD) == "InvokeModel" and any(
        vendor in model for vendor in _UNCOUNTED
    )
