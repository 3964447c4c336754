"""The HTTP surface: raw ASGI for spans, FastAPI for everything that people and scripts ask."""
