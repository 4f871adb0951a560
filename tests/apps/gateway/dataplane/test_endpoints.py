"""Keys that may call some endpoints only: what matches a template exactly passes, everything else does not."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.gateway.authorizer.endpoints import Endpoints

ORDERS = Endpoints(
    [
        ("GET", "/"),
        ("GET", "/orders"),
        ("GET", "/orders/{id}"),
        ("GET", "/orders/{id}/lines"),
        ("POST", "/orders"),
        ("GET", "/files/{name}.{kind}"),
        ("GET", "/maps/{a}-{b}"),
        ("GET", "/caf%C3%A9/{x}{y}"),
        ("DELETE", "/admin/users/{id}"),
    ]
)


def is_allowed(method: str, raw: str, path: str | None = None) -> bool:
    return ORDERS.allow(method, unquote(raw) if path is None else path, raw)


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("GET", "/"),
        ("GET", "/orders"),
        ("HEAD", "/orders"),
        ("POST", "/orders"),
        ("GET", "/orders/7"),
        ("GET", "/orders/a.b"),
        ("GET", "/orders/...x"),
        ("GET", "/orders/%C3%A9t%C3%A9"),
        ("GET", "/orders/%6frder"),
        ("GET", "/orders/7/lines"),
        ("GET", "/files/report.2026.json"),
        ("GET", "/maps/north-south-west"),
        ("GET", "/caf%C3%A9/12"),
        ("DELETE", "/admin/users/7"),
    ],
)
def test_listed_endpoint_passes(method: str, raw: str) -> None:
    assert is_allowed(method, raw)


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("PUT", "/orders"),
        ("get", "/orders"),
        ("OPTIONS", "/orders"),
        ("HEAD", "/admin/users/7"),
        ("GET", "/Orders"),
        ("GET", "/orders/"),
        ("GET", "//orders"),
        ("GET", "/orders//lines"),
        ("GET", "/orders/7/"),
        ("GET", "/orders/7//lines"),
        ("GET", "/orders/7/lines/"),
        ("GET", "/orders/7/other"),
        ("GET", "/orders/."),
        ("GET", "/orders/.."),
        ("GET", "/orders/%2e%2e"),
        ("GET", "/orders/..;/lines"),
        ("GET", "/orders/.;x=1"),
        ("GET", "/orders/7%2Flines"),
        ("GET", "/orders%2f7"),
        ("GET", "/orders/7%5Clines"),
        ("GET", "/orders/7\\lines"),
        ("GET", "/orders/%252e%252e"),
        ("GET", "/orders/7%00"),
        ("GET", "/orders/7%0A"),
        ("GET", "/orders/7%0d%0aX:1"),
        ("GET", "/orders;x=1"),
        ("GET", "orders"),
        ("GET", ""),
        ("GET", "/admin/users/7"),
        ("DELETE", "/admin/users/7%2F8"),
        ("DELETE", "/admin/users/"),
        ("DELETE", "/ADMIN/users/7"),
        ("GET", "/files/.json"),
        ("GET", "/files/report."),
        ("GET", "/maps/-south"),
        ("GET", "/maps/north-"),
        ("GET", "/caf%C3%A9/1"),
        ("GET", "/caf%C3%89/12"),
    ],
)
def test_anything_else_is_refused(method: str, raw: str) -> None:
    assert not is_allowed(method, raw)


def test_path_that_is_no_text_and_target_that_nobody_told_are_refused() -> None:
    assert not ORDERS.allow("GET", "/orders/\ufffd", "/orders/%ff")
    assert not ORDERS.allow("GET", "\ufffd", "/%ff")
    assert not ORDERS.allow("GET", "/orders", "")


def test_no_endpoints_allow_nothing() -> None:
    assert not Endpoints([]).allow("GET", "/", "/")


def test_encoded_slash_in_the_query_is_no_path() -> None:
    assert ORDERS.allow("GET", "/orders", "/orders?next=%2Fhome\\")


def _plain_match(template: str, path: str) -> bool:
    """The rule in its simplest words: as many segments, each equal, or a value for a parameter."""
    wanted, given_ = template.split("/"), path.split("/")
    if len(wanted) != len(given_):
        return False
    return all(
        bool(value) and value not in {".", ".."} if name.startswith("{") else name == value
        for name, value in zip(wanted, given_, strict=True)
    )


segment = st.text(st.sampled_from("abA.-_~{}é"), max_size=4)
templates = st.lists(st.one_of(st.just("{id}"), st.sampled_from(["a", "b", "A", "ab"])), max_size=4)


@given(st.lists(templates, max_size=6), st.lists(segment, max_size=5))
@example([["a"], ["a", "{id}"], ["{id}", "a"]], ["b", "a"])
def test_agrees_with_the_plain_rule(lists: list[list[str]], values: list[str]) -> None:
    written = ["/" + "/".join(segments) for segments in lists]
    path = "/" + "/".join(values)
    endpoints = Endpoints([("GET", template) for template in written])
    expected = any(_plain_match(template, path) for template in written)
    assert endpoints.allow("GET", path, quote(path)) is expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_target_is_taken_for_an_endpoint_by_accident(path: str, raw: str) -> None:
    """What passes has the shape of a template, whatever was sent."""
    if ORDERS.allow("GET", path, raw):
        assert re.fullmatch(
            r"/|/orders(/[^/\\%]+(/lines)?)?|/files/[^/]+\.[^/]+|/maps/[^/]+-[^/]+|/café/[^/]{2,}",
            path,
        )
        assert "%2f" not in raw.partition("?")[0].lower()


@pytest.mark.parametrize("template", ["/" + "{x}-" * 40 + "{x}", "/a" * 149, "/" + "{x}" * 99])
def test_templates_of_any_shape_are_tried_in_linear_time(template: str) -> None:
    """With nested repetition this call would not come back."""
    prefixes = [template[:end] for end in range(2, len(template)) if template[end] == "/"]
    endpoints = Endpoints([("GET", text) for text in (template, *prefixes)])
    path = "/" + "-" * 60_000 + "!/"
    assert not endpoints.allow("GET", path, path)
