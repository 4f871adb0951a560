"""The demo's provider, over sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def upstream() -> Iterator[httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "deploy.local.upstream", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ, stderr=subprocess.DEVNULL)
    transport = httpx.HTTPTransport(retries=0)
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", transport=transport, trust_env=False
    ) as client:
        try:
            wait_until_up(client)
            yield client
        finally:
            process.terminate()
            assert process.wait(15) in (0, -15)


def wait_until_up(client: httpx.Client) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            client.get("/healthz").raise_for_status()
            return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_search_ignores_accents_and_case(upstream: httpx.Client) -> None:
    found = upstream.get("/v1/cities", params={"q": "SAO p"}).json()
    assert [city["id"] for city in found["data"]] == ["sao-paulo-br"]
    assert found["data"][0]["name"] == "São Paulo"
    assert found["data"][0]["country"] == {"code": "BR", "name": "Brazil"}


def test_pages_cover_a_country_once(upstream: httpx.Client) -> None:
    ids: list[str] = []
    offset: int | None = 0
    while offset is not None:
        params: dict[str, str | int] = {"country": "de", "limit": 5, "offset": offset}
        page = upstream.get("/v1/cities", params=params).json()
        ids += [city["id"] for city in page["data"]]
        offset = page["next_offset"]
    assert len(ids) == len(set(ids)) == page["total"] == 13
    assert ids[0] == "berlin-de"


def test_city_by_id(upstream: httpx.Client) -> None:
    assert upstream.get("/v1/cities/krakow-pl").json()["name"] == "Kraków"
    missing = upstream.get("/v1/cities/atlantis-xx")
    assert missing.status_code == 404
    assert missing.headers["Content-Type"] == "application/problem+json"


def test_nearest_measures_from_the_point(upstream: httpx.Client) -> None:
    found = upstream.get("/v1/nearest", params={"lat": 48.8, "lon": 2.3, "limit": 2}).json()
    assert [city["id"] for city in found["data"]] == ["paris-fr", "lille-fr"]
    assert 5 < found["data"][0]["distance_km"] < 10


def test_route_is_the_sum_of_its_legs(upstream: httpx.Client) -> None:
    order = {"cities": ["london-gb", "new-york-us"], "return_to_start": True}
    route = upstream.post("/v1/routes", json=order).json()
    assert [(leg["from"], leg["to"]) for leg in route["legs"]] == [
        ("london-gb", "new-york-us"),
        ("new-york-us", "london-gb"),
    ]
    # The great-circle distance is 5,570 km.
    assert route["legs"][0]["distance_km"] == pytest.approx(5570, abs=5)
    assert route["distance_km"] == pytest.approx(2 * route["legs"][0]["distance_km"])


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"cities": ["paris-fr"]}', b'{"cities": ["paris-fr", "atlantis-xx"]}', b'{"x": 1}'],
)
def test_malformed_routes_are_refused(upstream: httpx.Client, body: bytes) -> None:
    assert upstream.post("/v1/routes", content=body).status_code == 422


def test_conversion_rounds_to_the_target_currency(upstream: httpx.Client) -> None:
    def convert(to: str) -> str:
        params = {"from": "EUR", "to": to, "amount": "19.99"}
        result: str = upstream.get("/v1/convert", params=params).json()["result"]
        return result

    assert convert("JPY") == "3264"
    assert convert("KWD") == "6.693"
    assert convert("USD") == "21.80"


def test_rates_against_any_base_agree(upstream: httpx.Client) -> None:
    euro = upstream.get("/v1/rates").json()
    dollar = upstream.get("/v1/rates", params={"base": "usd", "symbols": "eur,gbp"}).json()
    assert set(dollar["rates"]) == {"EUR", "GBP"}
    expected = Decimal(euro["rates"]["GBP"]) / Decimal(euro["rates"]["USD"])
    assert abs(Decimal(dollar["rates"]["GBP"]) - expected) < Decimal("0.000001")
    assert "Sample data" in euro["note"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/cities?limit=0", "limit"),
        ("/v1/cities?limit=1.5", "limit"),
        ("/v1/cities?country=XX", "country"),
        ("/v1/nearest?lat=91&lon=0", "lat"),
        ("/v1/nearest?lat=1", "lon"),
        ("/v1/nearest?lat=NaN&lon=0", "lat"),
        ("/v1/convert?from=EUR&to=USD&amount=-1", "amount"),
        ("/v1/convert?from=EUR&to=XXX&amount=1", "to"),
        ("/v1/reports/slow?delay_ms=10001", "delay_ms"),
        ("/v1/flaky?status=501", "status"),
    ],
)
def test_parameters_out_of_range_are_named(
    upstream: httpx.Client, path: str, parameter: str
) -> None:
    answer = upstream.get(path)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_slow_report_takes_its_time(upstream: httpx.Client) -> None:
    started = time.monotonic()
    assert upstream.get("/v1/reports/slow?delay_ms=120").json()["delay_ms"] == 120
    assert time.monotonic() - started >= 0.12


def test_every_kth_call_fails(upstream: httpx.Client) -> None:
    upstream.delete("/_seen")
    statuses = [upstream.get("/v1/flaky?every=3&status=500").status_code for _ in range(6)]
    assert statuses == [200, 200, 500, 200, 200, 500]


def test_seen_counts_every_call_that_arrived(upstream: httpx.Client) -> None:
    upstream.delete("/_seen")
    upstream.get("/healthz")
    assert upstream.get("/_seen").json() == {"total": 0, "paths": {}}
    upstream.get("/v1/cities?q=a")
    upstream.get("/v1/cities?q=b")
    upstream.get("/v1/nowhere")
    assert upstream.get("/_seen").json() == {
        "total": 3,
        "paths": {"GET /v1/cities": 2, "GET /v1/nowhere": 1},
    }


def test_echo_shows_what_arrived(upstream: httpx.Client) -> None:
    answer = upstream.post("/_echo?a=1", content=b"text", headers={"X-Api-Key": "k"}).json()
    assert (answer["method"], answer["query"], answer["body"]) == ("POST", "a=1", "text")
    assert answer["headers"]["x-api-key"] == "k"


def test_wrong_method_and_unknown_path(upstream: httpx.Client) -> None:
    assert upstream.post("/v1/cities").status_code == 405
    assert upstream.get("/v1").status_code == 404


def test_openapi_document_is_valid_and_its_examples_are_true(upstream: httpx.Client) -> None:
    document = upstream.get("/openapi.json").json()
    validate(document)
    assert document["openapi"] == "3.1.0"
    checked = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answer = call_example(upstream, path, method, operation)
            assert answer.status_code == 200, answer.text
            media = operation["responses"]["200"]["content"]["application/json"]
            schema = media["schema"] | {"components": document["components"]}
            for instance in (answer.json(), media["example"]):
                Draft202012Validator(schema).validate(instance)
            checked += 1
    assert checked == 11


def call_example(upstream: httpx.Client, path: str, method: str, operation: Any) -> httpx.Response:
    """Call an operation with the examples of its own documentation."""
    query = {}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", parameter["example"])
        elif "example" in parameter:
            query[parameter["name"]] = parameter["example"]
    body = operation.get("requestBody")
    example = body["content"]["application/json"]["example"] if body else None
    return upstream.request(method.upper(), path, params=query, json=example)
