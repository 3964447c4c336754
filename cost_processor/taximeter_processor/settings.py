"""One `taximeter.yaml` and the environment, turned into one validated `Settings`.

Every error names file, line, key, value and what was expected. `TAXIMETER_<KEY>` overrides a
top-level scalar (`TAXIMETER_LEDGER`, `TAXIMETER_LISTEN`, …). The JSON Schema for editors is
`Settings.model_json_schema()`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from datetime import date as Day
from datetime import timezone as fixed_zone
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from taximeter_processor.credentials import Secret, Tls, Token
from taximeter_processor.errors import ConfigError
from taximeter_processor.names import TAG_NAMES
from taximeter_processor.people import (
    Clock,
    Contact,
    Owner,
    TagText,
    known_zone,
    refuse_nobody,
)
from taximeter_processor.pricing.contracts import Contract
from taximeter_processor.pricing.overrides import PriceOverride
from taximeter_processor.strict import Strict

DEFAULT_PATH = Path("taximeter.yaml")
TagName = Literal["feature", "tenant", "team", "request_type"]
_SCALARS = (str, float, str | None)
LEAST_KEPT_DAYS = 62
"""The gauges of last month look as far back as this."""


class TagDefaults(Strict):
    """Tags for spans of one service (`*` globs) that carry none of their own."""

    service: TagText
    feature: TagText | None = None
    tenant: TagText | None = None
    team: TagText | None = None
    request_type: TagText | None = None


class TagPolicy(Strict):
    """What tags must be there, may hold, are also called, and default to."""

    required: tuple[TagName, ...] = ()
    allowed: Mapping[TagName, tuple[TagText, ...]] = Field(default_factory=dict)
    aliases: Mapping[str, tuple[TagText, ...]] = Field(default_factory=dict)
    defaults: tuple[TagDefaults, ...] = ()
    hash_tenants: Secret | None = None
    """With a key, no tenant is stored by its name."""

    @field_validator("aliases")
    @classmethod
    def _of_known_tags(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        for name in value:
            if name not in TAG_NAMES:
                raise ValueError(f"{name!r} is no tag: expected one of {', '.join(TAG_NAMES)}")
        return value


class Mail(Strict):
    """How Alertmanager, and the daily digest, send e-mail."""

    smarthost: Annotated[str, Field(pattern=r"^[^:\s]+:\d{1,5}$")] = "localhost:25"
    sender: str = "taximeter@localhost"
    require_tls: bool = True


class Digest(Strict):
    """The daily message to each owner."""

    at: Clock | None = None
    """When the service sends it, in the reporting zone; absent: only `taximeter digest` does."""
    when_quiet: bool = False
    """Also on a day on which nothing is worth reading."""
    memory: Path | None = None
    """The file of what was sent; absent: beside the ledger."""


class Links(Strict):
    """Where the links in an alert lead, and where alerts are sent on."""

    alertmanager_url: str | None = None
    """Asked how many notifications were delivered; absent: nobody knows."""
    grafana_url: str | None = None
    runbooks_url: str | None = None


class Addresses(Strict):
    """HOST:PORT of what Prometheus and Grafana talk to, for the files of `taximeter rules`."""

    processors: Mapping[str, str] = Field(default_factory=lambda: {"main": "127.0.0.1:4319"})
    """The processor's address by its `writer`, which becomes the `instance` label."""
    collector: str = "127.0.0.1:8888"
    alertmanager: str = "127.0.0.1:9093"
    prometheus: str = "127.0.0.1:9090"
    postgres: str = "127.0.0.1:5432"
    postgres_sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = "require"
    """How Grafana connects to it."""
    token_file: str = ""
    """Where Prometheus finds a token with the scope `read`, if the processors want one."""


class Budget(Strict):
    """Dollars for a feature, a team, both, or everything, in each period."""

    name: TagText
    usd: Annotated[str, Field(pattern=r"^\d+(\.\d{1,12})?$")]
    period: Literal["day", "week", "month"] = "month"
    feature: TagText | None = None
    team: TagText | None = None
    owner: str | None = None

    @field_validator("usd", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, (int, float)) and value is not True else value


class Optimization(Strict):
    """A change that is to make a feature cheaper, and the day it was made."""

    name: TagText
    feature: TagText
    date: Day
    kind: Literal["caching", "model", "prompt", "tier", "routing", "other"] = "other"
    expected_saving: float | None = Field(default=None, gt=0, lt=1)
    """Share of the cost per request."""


class Limits(Strict):
    """Every bound of the service; each has a metric that shows it being reached."""

    body_bytes: int = Field(default=16 << 20, ge=1 << 10)
    decoded_bytes: int = Field(default=64 << 20, ge=1 << 10)
    queue_bytes: int = Field(default=64 << 20, ge=1 << 10)
    label_sets: int = Field(default=20_000, ge=100)
    tenants: int = Field(default=200, ge=1)
    dead_letters: int = Field(default=10_000, ge=0)
    read_seconds: float = Field(default=10.0, gt=0, le=600, allow_inf_nan=False)
    ledger_memory_mb: int = Field(default=96, ge=64)


class Retention(Strict):
    """How long single calls are kept; what they added up to always is."""

    calls: Annotated[str, Field(pattern=r"^\d{1,5}d$")] | None = None
    """Absent: for ever."""

    @field_validator("calls")
    @classmethod
    def _covers_last_month(cls, value: str | None) -> str | None:
        if value is not None and int(value[:-1]) < LEAST_KEPT_DAYS:
            raise ValueError(
                f"expected at least {LEAST_KEPT_DAYS}d, which this month and the last one need"
            )
        return value

    @property
    def days(self) -> int | None:
        return None if self.calls is None else int(self.calls[:-1])


class Settings(Strict):
    """The whole configuration of one process."""

    ledger: str = "taximeter.duckdb"
    listen: str = "127.0.0.1:4319"
    writer: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "main"
    timezone: str = "UTC"
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    birth_hold_seconds: float = Field(default=120.0, ge=0, le=86_400, allow_inf_nan=False)
    gauge_cache_seconds: float = Field(default=5.0, ge=0, le=3600, allow_inf_nan=False)
    tokens: tuple[Token, ...] = ()
    tls: Tls | None = None
    tags: TagPolicy = TagPolicy()
    owners: tuple[Owner, ...] = ()
    fallback_owner: Contact = Contact()
    deadman: Contact | None = None
    mail: Mail = Mail()
    digest: Digest = Digest()
    links: Links = Links()
    addresses: Addresses = Addresses()
    budgets: tuple[Budget, ...] = ()
    optimizations: Annotated[tuple[Optimization, ...], Field(max_length=200)] = ()
    never_silent: tuple[TagText, ...] = ()
    """Features of which two hours without a call are an alert."""
    prices: tuple[PriceOverride, ...] = ()
    contracts: tuple[Contract, ...] = ()
    catalogue: Path | None = None
    """A pinned copy of the price lists; absent: those of the installed package."""
    exchange_rates: Path | None = None
    """Dollars for one unit of other currencies, by day."""
    retention: Retention = Retention()
    limits: Limits = Limits()

    _zone = field_validator("timezone")(known_zone)

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("expected HOST:PORT such as 127.0.0.1:4319")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        _refuse_repeats("owners", [owner.name for owner in self.owners])
        _refuse_repeats("owners.features", [f for owner in self.owners for f in owner.features])
        _refuse_repeats("owners.teams", [t for owner in self.owners for t in owner.teams])
        _refuse_repeats("contracts", [contract.name for contract in self.contracts])
        _refuse_repeats("budgets", [budget.name for budget in self.budgets])
        _refuse_repeats("optimizations", [change.name for change in self.optimizations])
        _refuse_repeats("tokens", [token.name for token in self.tokens])
        if len({token.secret() for token in self.tokens}) < len(self.tokens):
            raise ValueError("tokens: two have the same secret; expected one each")
        refuse_nobody(self.owners)
        known = {owner.name for owner in self.owners}
        for budget in self.budgets:
            if budget.owner is not None and budget.owner not in known:
                raise ValueError(
                    f"budgets: {budget.name!r} belongs to {budget.owner!r}, who is not in owners"
                )
        if not self.tokens and not self.is_loopback:
            raise ValueError(
                f"listen is {self.listen}, which others can reach, and there are no tokens: "
                "add tokens: or listen on 127.0.0.1"
            )
        return self

    @property
    def shown_ledger(self) -> str:
        """Where the ledger is, without a password."""
        before, scheme, rest = self.ledger.partition("://")
        if not scheme:
            return self.ledger
        user, at, place = rest.rpartition("@")
        return f"{before}://{user.partition(':')[0]}{at}{place.partition('?')[0]}"

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def zone(self) -> ZoneInfo | fixed_zone:
        return fixed_zone.utc if self.timezone == "UTC" else ZoneInfo(self.timezone)

    def secret_files(self) -> Iterator[tuple[str, Path]]:
        """(what it holds, file) of every file that only the service should read."""
        for token in self.tokens:
            if token.file is not None:
                yield f"the token {token.name}", token.file
        if self.tags.hash_tenants is not None and self.tags.hash_tenants.file is not None:
            yield "the key of the tenants' hashes", self.tags.hash_tenants.file
        if self.tls is not None:
            yield "the key of the certificate", self.tls.key

    @property
    def holds_secrets(self) -> bool:
        """The configuration itself has a secret in it."""
        secrets = (*self.tokens, self.tags.hash_tenants)
        return any(secret is not None and secret.value is not None for secret in secrets)


def _refuse_repeats(key: str, values: list[str]) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"{key}: {repeated[0]!r} is named twice; expected each once")


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    changes: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from a file (default `taximeter.yaml` where there is one) and the environment.

    `changes` are top-level keys that win over both. Raises `ConfigError` with one line for each
    thing that is wrong.
    """
    if path is None:
        named = environ.get("TAXIMETER_CONFIG")
        path = Path(named) if named else DEFAULT_PATH
        if not named and not path.exists():
            return _validated({}, None, Path("the environment"), environ, changes or {})
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return parse(text, path, environ, changes)


def parse(
    text: str,
    path: Path,
    environ: Mapping[str, str] | None = None,
    changes: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from YAML text; `path` is only named in errors."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text) if node is not None else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        # A secret that was not quoted may be taken for an alias or a tag, and named.
        problem = re.sub(r"'[^'<]{2,}'", "'…'", getattr(error, "problem", None) or "is no YAML")
        raise ConfigError(f"{path}:{line}: {problem}; expected YAML") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}:1: expected keys and values such as `ledger: taximeter.duckdb`")
    return _validated(content, node, path, environ or {}, changes or {})


def _validated(
    content: dict[str, Any],
    node: yaml.Node | None,
    path: Path,
    environ: Mapping[str, str],
    changes: Mapping[str, str],
) -> Settings:
    overridden = {
        key: environ[f"TAXIMETER_{key.upper()}"]
        for key, field in Settings.model_fields.items()
        if field.annotation in _SCALARS and f"TAXIMETER_{key.upper()}" in environ
    }
    try:
        settings = Settings.model_validate({**content, **overridden, **changes})
    except ValidationError as error:
        lines = [_sentence(dict(item), node, path) for item in error.errors()]
        raise ConfigError("\n".join(lines)) from error
    placed = (
        override.at_line(_line_of(node, ["prices", index]))
        for index, override in enumerate(settings.prices)
    )
    return settings.model_copy(update={"prices": tuple(placed)})


def _sentence(item: dict[str, Any], node: yaml.Node | None, path: Path) -> str:
    location = [part for part in item["loc"] if part != "[key]"]
    key = ".".join(str(part) for part in location)
    message = item["msg"].removeprefix("Value error, ")
    where = f"{path}:{_line_of(node, location)}" if node is not None else str(path)
    if not key:
        return f"{where}: {message}"
    given = item.get("input")
    shown = "" if isinstance(given, (dict, BaseModel)) else f" is {str(given)[:80]!r}"
    if "token" in key or "hash_tenants" in key:
        shown = ""
    return f"{where}: {key}{shown}: {message}"


def _line_of(node: yaml.Node | None, location: list[Any]) -> int:
    """The line of the deepest node on the way to `location`, from 1."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                return line
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
