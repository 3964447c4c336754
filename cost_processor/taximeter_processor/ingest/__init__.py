"""OTLP bytes to spans, spans to calls in one normal form."""
