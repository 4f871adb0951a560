"""Latency sketches: within their accuracy, and the same however they were merged."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.usage.endpoint_table import EndpointTable
from apps.usage.sketch import ACCURACY, LAST_BUCKET, Sketch, bucket_of

LATENCIES = st.lists(st.integers(min_value=0, max_value=1_000_000), min_size=1, max_size=60)


@given(LATENCIES, st.floats(min_value=0.01, max_value=1))
@settings(max_examples=200, deadline=None)
def test_quantiles_are_within_the_accuracy(latencies: list[int], share: float) -> None:
    exact = sorted(latencies)[max(1, math.ceil(share * len(latencies))) - 1]

    (found,) = Sketch.of(latencies).quantiles(share)

    assert found is not None
    # Read back as whole milliseconds.
    assert abs(found - exact) <= max(1, ACCURACY * exact + 0.5)


@given(LATENCIES, LATENCIES)
@settings(max_examples=100, deadline=None)
def test_merging_is_the_sketch_of_all(one: list[int], other: list[int]) -> None:
    assert Sketch.of(one) + Sketch.of(other) == Sketch.of(one + other)


@given(LATENCIES, LATENCIES)
@settings(max_examples=100, deadline=None)
def test_what_is_read_back_is_the_same(one: list[int], other: list[int]) -> None:
    sketch = Sketch.of(one)
    read = Sketch.read(str(sketch.packed))

    assert read.quantiles(0.5, 0.95, 0.99) == sketch.quantiles(0.5, 0.95, 0.99)
    assert read == sketch
    assert hash(read) == hash(sketch)
    assert (read + Sketch.of(other)).digits == Sketch.of(one + other).digits


def test_nothing_has_no_quantiles() -> None:
    assert Sketch().quantiles(0.5, 0.95) == (None, None)
    assert Sketch.read("0").quantiles(0.5) == (None,)


def test_long_calls_stay_in_the_last_bucket() -> None:
    assert bucket_of(2**31) == LAST_BUCKET
    assert Sketch.of([2**31]).quantiles(0.5)[0] is not None


def test_paths_find_their_template() -> None:
    table = EndpointTable(
        [
            ("GET", "/v1/cities/{id}"),
            ("GET", "/v1/cities/largest"),
            ("GET", "/v1/{kind}/{id}.json"),
            ("POST", "/v1/cities"),
            ("GET", "/"),
        ]
    )

    assert table.find("GET", "/v1/cities/largest") == "GET /v1/cities/largest"
    assert table.find("GET", "/v1/cities/42") == "GET /v1/cities/{id}"
    assert table.find("HEAD", "/v1/cities/42") == "HEAD /v1/cities/{id}"
    assert table.find("GET", "/v1/rivers/42.json") == "GET /v1/{kind}/{id}.json"
    assert table.find("POST", "/v1/cities") == "POST /v1/cities"
    assert table.find("GET", "/") == "GET /"
    for method, path in (
        ("GET", "/v1/cities/"),
        ("DELETE", "/v1/cities"),
        ("GET", "/v2"),
        ("", ""),
    ):
        assert table.find(method, path) == ""
