"""The tag policy decides under which tags a cost is booked, and what is a violation."""

from __future__ import annotations

from pydantic import SecretStr

from taximeter_processor.credentials import Pin, Secret
from taximeter_processor.settings import TagDefaults, TagPolicy
from taximeter_processor.tagging import TagRules


def test_without_a_policy_tags_stay_as_they_came() -> None:
    tagged = TagRules(TagPolicy()).apply("api", "search", "acme", "growth", "batch")
    assert tagged == ("api", "search", "acme", "growth", "batch", ())


def test_defaults_of_a_service_fill_what_is_absent() -> None:
    policy = TagPolicy(defaults=(TagDefaults(service="check*", feature="checkout", team="pay"),))
    tagged = TagRules(policy).apply("checkout-eu", "", "", "growth", "")
    assert (tagged.feature, tagged.team) == ("checkout", "growth")


def test_the_first_matching_default_wins_for_each_tag() -> None:
    policy = TagPolicy(
        defaults=(
            TagDefaults(service="api", feature="special"),
            TagDefaults(service="*", feature="general", team="everyone"),
        )
    )
    tagged = TagRules(policy).apply("api", "", "", "", "")
    assert (tagged.feature, tagged.team) == ("special", "everyone")


def test_a_value_that_is_not_allowed_becomes_unknown_and_a_violation() -> None:
    rules = TagRules(TagPolicy(allowed={"team": ("growth",)}))
    tagged = rules.apply("api", "search", "", "gr0wth", "")
    assert tagged.team == ""
    assert tagged.violations == (("team", "not_allowed"),)


def test_a_required_tag_that_is_absent_is_a_violation() -> None:
    rules = TagRules(TagPolicy(required=("feature", "team")))
    assert rules.apply("api", "", "", "growth", "").violations == (("feature", "missing"),)


def test_a_default_satisfies_what_is_required() -> None:
    policy = TagPolicy(
        required=("feature",), defaults=(TagDefaults(service="api", feature="search"),)
    )
    assert TagRules(policy).apply("api", "", "", "", "").violations == ()


def test_what_is_outside_the_sender_s_pin_is_unknown_and_a_violation() -> None:
    pin = Pin(teams=("growth",), tenants=("acme-*",), services=("api",))
    rules = TagRules(TagPolicy())
    assert rules.apply("web", "search", "globex", "payments", "batch", pin) == (
        "",
        "search",
        "",
        "",
        "batch",
        (("service", "pinned"), ("team", "pinned"), ("tenant", "pinned")),
    )
    assert rules.apply("api", "", "acme-eu", "growth", "", pin).violations == ()


def test_what_a_sender_does_not_claim_is_not_outside_its_pin() -> None:
    pin = Pin(teams=("growth",), services=("api",))
    assert TagRules(TagPolicy()).apply("", "search", "acme", "", "", pin).violations == ()


def test_a_default_of_the_policy_does_not_lead_out_of_a_pin() -> None:
    policy = TagPolicy(defaults=(TagDefaults(service="checkout", team="payments"),))
    tagged = TagRules(policy).apply("checkout", "", "", "", "", Pin(teams=("growth",)))
    assert (tagged.team, tagged.violations) == ("", (("team", "pinned"),))


def test_a_service_outside_the_pin_gets_no_default_of_that_service() -> None:
    policy = TagPolicy(defaults=(TagDefaults(service="checkout", team="payments"),))
    tagged = TagRules(policy).apply("checkout", "", "", "", "", Pin(services=("api",)))
    assert (tagged.service, tagged.team) == ("", "")


def test_a_tenant_is_stored_under_its_keyed_hash() -> None:
    policy = TagPolicy(hash_tenants=Secret(value=SecretStr("0123456789abcdef")))
    # printf acme | openssl dgst -sha256 -hmac 0123456789abcdef
    tagged = TagRules(policy).apply("api", "", "acme", "", "")
    assert tagged.tenant == "t-42dd7a21e34198f4"
    assert TagRules(policy).apply("api", "", "", "", "").tenant == ""


def test_pins_and_policy_speak_of_tenants_by_name_though_they_are_hashed() -> None:
    policy = TagPolicy(
        allowed={"tenant": ("acme",)}, hash_tenants=Secret(value=SecretStr("0123456789abcdef"))
    )
    tagged = TagRules(policy).apply("api", "", "acme", "", "", Pin(tenants=("acme",)))
    assert (tagged.tenant[:2], tagged.violations) == ("t-", ())
