"""A catalogue as a JSON file: the provider array that `genai-prices` publishes, or a pinned copy.

A pinned copy is what `taximeter prices update` writes: `{"version": …, "providers": […]}`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taximeter_processor.errors import ConfigError

if TYPE_CHECKING:
    from genai_prices.types import Provider


def read_catalogue(path: Path) -> tuple[str, list[Provider]]:
    """(version, price lists) of a file. Raises `ConfigError` naming what is wrong with it."""
    from genai_prices.types import _providers_from_raw  # what the library's own updater calls

    try:
        data = path.read_bytes()
        content = json.loads(data, parse_float=Decimal)
        is_pinned = isinstance(content, dict)
        providers = _providers_from_raw(content["providers"] if is_pinned else content)
        version = str(content["version"]) if is_pinned else f"file:{_digest(data)}"
    except OSError as error:
        raise ConfigError(
            f"catalogue {path}: cannot be read: {error.strerror}; "
            "write it with `taximeter prices update`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"catalogue {path}: {first}: expected the provider array of genai-prices' data.json, "
            "or a file that `taximeter prices update` wrote"
        ) from error
    return version, providers


def write_catalogue(path: Path, version: str, providers: list[Provider]) -> None:
    """Pin price lists in a file, all of it or nothing."""
    pinned = {"version": version, "providers": _plain(providers)}
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(pinned, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(beside, path)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def _plain(value: Any) -> Any:
    """The library's values as JSON; how usage is read from bodies is not needed for prices."""
    from genai_prices.types import ModelPrice

    if dataclasses.is_dataclass(value) or isinstance(value, ModelPrice):
        # `or_` and `and_` are called so only because Python reserves the words.
        fields = {name.rstrip("_"): field for name, field in vars(value).items()}
        return _plain({k: v for k, v in fields.items() if v is not None and k != "extractors"})
    if isinstance(value, Mapping):
        return {name: _plain(field) for name, field in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, (Decimal, date, time)) else value
