"""Finds a call's four tags: on its span, on the nearest ancestor in the batch, on the resource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from taximeter import attributes as names
from taximeter_processor.ingest.dialects.base import Attributes, numbers_in, text_of
from taximeter_processor.model import UNKNOWN_TAG, Span
from taximeter_processor.names import TAG_NAMES

Four = tuple[str, str, str, str]

_METADATA_PREFIXES: Final = (
    "traceloop.association.properties.",
    "ai.telemetry.metadata.",
    "ai.settings.context.",
    "langfuse.trace.metadata.",
    "langfuse.observation.metadata.",
    "langsmith.metadata.",
    "litellm.metadata.",
    "metadata.",
)
_METADATA_JSON: Final = ("metadata", "litellm.team.metadata")
_METADATA_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "feature": ("feature",),
    # A gateway's own key says who paid; what else a request claims comes after it.
    "tenant": (
        "user_api_key_org_id",
        "tenant",
        "tenant_id",
        "tenantId",
        "customer_id",
        "customerId",
    ),
    "team": ("user_api_key_team_alias", "user_api_key_team_id", "team"),
    "request_type": ("request_type",),
}
_DIRECT: Final[dict[str, tuple[str, ...]]] = {
    "feature": (
        names.FEATURE,
        "gen_ai.workflow.name",
        "traceloop.workflow.name",
        "ai.telemetry.functionId",
        "gen_ai.agent.name",
        "gen_ai.prompt.name",
    ),
    "tenant": (names.TENANT, "tenant.id"),
    "team": (names.TEAM, "team.name", "team.id", "litellm.team.alias", "litellm.team.id"),
    "request_type": (names.REQUEST_TYPE,),
}
_PATH: Final = "traceloop.entity.path"
"""Names a feature where nothing better does."""
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    tag: (
        *_DIRECT[tag],
        *(prefix + key for key in _METADATA_KEYS[tag] for prefix in _METADATA_PREFIXES),
    )
    for tag in TAG_NAMES
}
TAG_KEYS: Final = frozenset(
    {*(key for keys in ALIASES.values() for key in keys), *_METADATA_JSON, _PATH}
)
_MOST_ANCESTORS: Final = 64
_MOST_REMEMBERED: Final = 20_000


def alias_keys(aliases: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The attributes that configured aliases name: the decoder must keep them."""
    return frozenset(key for keys in aliases.values() for key in keys)


class TagReader:
    """Reads tags by aliases; counts values it had to drop in `invalid` by tag."""

    def __init__(self, aliases: Mapping[str, Sequence[str]] | None = None) -> None:
        """`aliases` are looked up after our own attribute and before every other library's."""
        configured = aliases or {}
        self._slots: dict[str, list[tuple[int, int]]] = {}
        for index, tag in enumerate(TAG_NAMES):
            own, *others = ALIASES[tag]
            for rank, key in enumerate((own, *configured.get(tag, ()), *others)):
                self._slots.setdefault(key, []).append((index, rank))
        self.invalid: Counter[str] = Counter()
        self._resource: Attributes = {}
        self._resource_tags: Four = ("", "", "", "")
        self._clean: set[str] = set()

    def take_invalid(self) -> Counter[str]:
        """The dropped values by tag since the last time, counted once."""
        taken, self.invalid = self.invalid, Counter()
        return taken

    def read(self, span: Span, by_id: Mapping[tuple[str, str], Span]) -> Four:
        """feature, tenant, team, request_type; empty where nobody says."""
        get = span.attributes.get
        own = (
            text_of(get(names.FEATURE)),
            text_of(get(names.TENANT)),
            text_of(get(names.TEAM)),
            text_of(get(names.REQUEST_TYPE)),
        )
        if self._clean.issuperset(own):
            return own
        if all(map(_is_clean, own)):
            if len(self._clean) >= _MOST_REMEMBERED:
                self._clean.clear()
            self._clean.update(own)
            return own
        found = self._own(span.attributes)
        parent, steps = by_id.get((span.trace_id, span.parent_span_id)), 0
        while parent is not None and "" in found and steps < _MOST_ANCESTORS:
            found = _filled(found, self._own(parent.attributes))
            parent, steps = by_id.get((parent.trace_id, parent.parent_span_id)), steps + 1
        return _filled(found, self._of_resource(span.resource)) if "" in found else found

    def _of_resource(self, resource: Attributes) -> Four:
        """The resource's tags, computed once for all of its spans; its namespace is a team."""
        if resource is not self._resource:
            feature, tenant, team, request_type = self._own(resource)
            namespace = resource.get("service.namespace")
            team = team or (str(namespace) if _is_clean(namespace) else "")
            self._resource = resource
            self._resource_tags = feature, tenant, team, request_type
        return self._resource_tags

    def _own(self, attributes: Attributes) -> Four:
        """What these attributes say: for each tag the first alias with a fit value wins."""
        found, ranks = [UNKNOWN_TAG] * 4, [len(self._slots)] * 4
        for key in self._slots.keys() & attributes.keys():
            for index, rank in self._slots[key]:
                if rank < ranks[index] and (text := self._fit(index, attributes[key])):
                    found[index], ranks[index] = text, rank
        for key in _METADATA_JSON:
            if key in attributes and UNKNOWN_TAG in found:
                self._fill(found, numbers_in(attributes[key]))
        feature, tenant, team, request_type = found
        if not feature and _PATH in attributes:
            feature = self._fit(0, attributes[_PATH])
        return feature, tenant, team, request_type

    def _fill(self, found: list[str], metadata: Mapping[str, object]) -> None:
        for index, tag in enumerate(TAG_NAMES):
            for key in _METADATA_KEYS[tag]:
                if key in metadata:
                    found[index] = found[index] or self._fit(index, metadata[key])

    def _fit(self, index: int, value: object) -> str:
        """A value as a tag, or empty, counted, when it cannot be one; ids may be integers."""
        if type(value) is int:
            value = str(value)
        if _is_clean(value):
            return str(value)
        if value != "":
            self.invalid[TAG_NAMES[index]] += 1
        return UNKNOWN_TAG


def _is_clean(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= names.MAX_TAG_LENGTH and value.isprintable()


def _filled(found: Four, more: Four) -> Four:
    return tuple(mine or theirs for mine, theirs in zip(found, more, strict=True))  # type: ignore[return-value]
