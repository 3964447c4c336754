"""The tag policy decides under which tags a cost is booked, and what is a violation."""

from __future__ import annotations

from taximeter_processor.settings import TagDefaults, TagPolicy
from taximeter_processor.tagging import TagRules


def test_without_a_policy_tags_stay_as_they_came() -> None:
    tagged = TagRules(TagPolicy()).apply("api", "search", "acme", "growth", "batch")
    assert tagged == ("search", "acme", "growth", "batch", ())


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
