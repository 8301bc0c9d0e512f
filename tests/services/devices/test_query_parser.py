"""What a query of the devices' search may be written like, and where one that is wrong is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.devices.query_parser import parse
from services.devices.query_tree import And, Compare, Comparison, Match, Node, Not, Or, Within
from services.problems import Invalid


def text(field: str, value: str) -> Match:
    return Match(field, (value,))


A, B, C = text("attributes.a", "1"), text("attributes.b", "2"), text("attributes.c", "3")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("thingName:engine-7", text("thingName", "engine-7")),
        ("  thingName : engine-7  ", text("thingName", "engine-7")),
        ("CFM56", text("", "CFM56")),
        ('attributes.a:"x y: (z) * \\" \\\\"', text("attributes.a", 'x y: (z) * " \\')),
        ("attributes.a:x\\:y\\ z\\*", text("attributes.a", "x:y z*")),
        ("thingName:engine-*", Match("thingName", ("engine-", None))),
        ("thingName:e?g*7", Match("thingName", ("e", True, "g", None, "7"))),
        ("*", Match("", (None,))),
        ("lastSeen:*", Match("lastSeen", (None,))),
        ("attributes.a:1 attributes.b:2", And((A, B))),
        ("attributes.a:1 AND attributes.b:2", And((A, B))),
        ("attributes.a:1 OR attributes.b:2 AND attributes.c:3", Or((A, And((B, C))))),
        ("(attributes.a:1 OR attributes.b:2) attributes.c:3", And((Or((A, B)), C))),
        ("NOT attributes.a:1 attributes.b:2", And((Not(A), B))),
        ("-attributes.a:1 OR NOT NOT attributes.b:2", Or((Not(A), Not(Not(B))))),
        ("NOT (attributes.a:1 attributes.b:2)", Not(And((A, B)))),
        ("thingName:(tv* AND -plasma)", And((Match("thingName", ("tv", None)), Not(text("thingName", "plasma"))))),
        ("attributes.a:(x OR y)", Or((text("attributes.a", "x"), text("attributes.a", "y")))),
        ("shadow.reported.rpm > 3000", Compare("shadow.reported.rpm", Comparison.MORE, "3000")),
        ("shadow.reported.rpm>=3000", Compare("shadow.reported.rpm", Comparison.MORE_OR_EQUAL, "3000")),
        ("shadow.name.fleet.reported.life:<-2.5", Compare("shadow.name.fleet.reported.life", Comparison.LESS, "-2.5")),
        ("attributes.y<=2024", Compare("attributes.y", Comparison.LESS_OR_EQUAL, "2024")),
        ("attributes.y:[2019 TO 2024}", Within("attributes.y", "2019", "2024", True, False)),
        ("attributes.y:{* TO 2024]", Within("attributes.y", None, "2024", False, True)),
        ('lastSeen:[2026-11-28T10:00:00Z TO "2026-11-29"]', Within("lastSeen", "2026-11-28T10:00:00Z", "2026-11-29", True, True)),
        ("lastSeen > 2026-11-28T10:00:00+01:00", Compare("lastSeen", Comparison.MORE, "2026-11-28T10:00:00+01:00")),
        ("connectivity.connected:true", text("connectivity.connected", "true")),
        ("thingGroupNames:hall-3 tags.team:engines", And((text("thingGroupNames", "hall-3"), text("tags.team", "engines")))),
        ("attributes.a:AND", text("attributes.a", "AND")),
        ("ANDROID", text("", "ANDROID")),
        ("attributes.a:dev/x+y", text("attributes.a", "dev/x+y")),
        ("attributes.a:\\/dev/x", text("attributes.a", "/dev/x")),
        ('attributes.a:"/imp~^2/"', text("attributes.a", "/imp~^2/")),
        ("and or", And((text("", "and"), text("", "or")))),
    ],
)
def test_a_query_means_what_aws_says_it_means(query: str, expected: Node) -> None:
    assert parse(query) == expected


@pytest.mark.parametrize(
    ("query", "position", "why"),
    [
        ("", 0, "a value is expected where it ends"),
        ("   ", 3, "a value is expected where it ends"),
        ("attributes.a:", 13, "a value is expected where it ends"),
        ("attributes.a:1 AND", 18, "a value is expected where it ends"),
        ("attributes.a:1 AND OR attributes.b:2", 19, "nothing before OR"),
        ("OR attributes.a:1", 0, "nothing before OR"),
        ("(attributes.a:1", 0, "the ( is not closed"),
        ("attributes.a:1)", 14, "there is a ) that was not opened"),
        ("()", 1, "a value is expected, not ')'"),
        ('attributes.a:"x', 13, 'the " is not closed'),
        ("attributes.a:x\\", 14, "the \\ has nothing behind it"),
        ("atributes.a:1", 0, "there is no field atributes.a"),
        ("shadow.rpm:1", 0, "there is no field shadow.rpm"),
        ("engine:7", 0, "there is no field engine"),
        ("attributes.a:[1 2]", 16, "[low TO high]"),
        ("attributes.a:[1 TO 2", 13, "not closed by ] or }"),
        ("attributes.a:[1* TO 2]", 14, "has no wildcards"),
        ("[1 TO 2]", 0, "a range of no field"),
        ("attributes.a > 1*", 15, "has no wildcards"),
        ("attributes.a >", 14, "a value is expected where it ends"),
        ("lastSeen > yesterday", 11, "is a time such as"),
        ("lastSeen:[1 TO tomorrow]", 15, "is a time such as"),
        ("thingName:*7 thingGroupNames:*3", 29, "a second term that begins with a wildcard"),
        ("thingName:(attributes.a:1)", 11, "a field within the group of thingName"),
        ("a b c d e f g h", 14, "more than 7 terms"),
        ("(" * 30, 21, "nested more than 20 deep"),
        ("-" * 30 + "a", 21, "nested more than 20 deep"),
        ("x" * 1001, 1000, "1000 are taken"),
        ("thingName:*" + "x" * 90, 100, "100 are taken"),
        ("attributes.a:]", 13, "a value is expected, not ']'"),
        ("> 3", 0, "a value is expected, not '>'"),
        ("thingName:/imp.*/", 10, "a regular expression (/…/) is not supported"),
        ("attributes.a:1 /imp/", 15, "a regular expression (/…/) is not supported"),
        ("thingName:imp-3^2", 15, "a weight (^) is not supported"),
        ('attributes.a:"x y"^2', 18, "a weight (^) is not supported"),
        ("(attributes.a:1 OR attributes.b:2)^2", 34, "a weight (^) is not supported"),
        ("thingName:imp~", 13, "fuzzy and proximity search (~) is not supported"),
        ('attributes.a:"x y"~3', 18, "fuzzy and proximity search (~) is not supported"),
        ("attributes.a:[1~ TO 2]", 15, "fuzzy and proximity search (~) is not supported"),
        ("+attributes.a:1", 0, "+ before a term is not supported"),
        ("attributes.a:1 && attributes.b:2", 15, "&& for AND is not supported"),
        ("attributes.a:1 || attributes.b:2", 15, "|| for OR is not supported"),
        ("!attributes.a:1", 0, "! for NOT is not supported"),
        ("shadow.reported.at:geo_distance,47.6,-122.3,10km", 19, "search by distance (geo_distance) is not supported"),
    ],
)
def test_a_query_that_is_wrong_is_refused_with_its_place(query: str, position: int, why: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(query)
    assert (caught.value.code, caught.value.more["position"]) == ("InvalidQueryException", position)
    assert why in caught.value.detail
    assert f"character {position + 1}:" in caught.value.detail


def test_seven_terms_are_taken() -> None:
    parsed = parse("a b c (d OR e) NOT f thingName:g")
    assert isinstance(parsed, And)
    assert len(parsed.all) == 6


@given(st.text(alphabet='ab:* ?"\\()[]{}<>=-ANDORTOthingNamelastSeen.1', max_size=60) | st.text(max_size=60))
def test_any_text_is_a_query_or_is_refused_at_a_place_within_it(query: str) -> None:
    assert 0 <= refused_at(query) <= len(query)


def refused_at(query: str) -> int:
    """0 for one that is taken."""
    try:
        parse(query)
    except Invalid as refused:
        return int(refused.more["position"])
    return 0


@given(st.text(min_size=1, max_size=40))
def test_whatever_is_quoted_or_escaped_is_itself(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'attributes.a:"{quoted}"') == text("attributes.a", value)
    assert parse("attributes.a:" + "".join(f"\\{each}" for each in value)) == text("attributes.a", value)
