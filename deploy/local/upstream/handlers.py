"""What each path answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import msgspec

from deploy.local.upstream.currencies import (
    SAMPLE_DATE,
    SAMPLE_NOTE,
    Currency,
    convert,
    cross_rate,
    currencies,
)
from deploy.local.upstream.geography import (
    DATA,
    City,
    cities,
    count_cities_by_country,
    countries,
    distance_km,
    nearest_cities,
    search_cities,
)
from deploy.local.upstream.messages import ProblemError, Request

Json = dict[str, Any]

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_DELAY_MS = 10_000
MAX_STOPS = 25
FLAKY_STATUSES = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
CRUISE_KMH = 800

openapi_document = (DATA / "openapi.json").read_bytes()
flaky_calls: Counter[int] = Counter()


class RouteOrder(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/routes."""

    cities: list[str]
    return_to_start: bool = False


def list_cities(request: Request) -> Json:
    """Search cities, largest first."""
    country = request.parameters.get("country")
    if country is not None and country.upper() not in countries():
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"No country {country}.", "country")
    limit = request.whole("limit", DEFAULT_LIMIT, (1, MAX_LIMIT))
    offset = request.whole("offset", 0, (0, 10_000))
    found = search_cities(
        request.text("q", ""),
        country and country.upper(),
        request.whole("min_population", 0, (0, 10**9)),
    )
    return {
        "data": [_city(city) for city in found[offset : offset + limit]],
        "total": len(found),
        "next_offset": offset + limit if offset + limit < len(found) else None,
    }


def get_city(request: Request) -> Json:
    """Return one city."""
    return _city(_find_city(request.values["id"]))


def list_countries(_: Request) -> Json:
    """List countries with the number of cities known."""
    counts = count_cities_by_country()
    return {
        "data": [
            {"code": c.code, "name": c.name, "currency": c.currency, "cities": counts[c.code]}
            for c in countries().values()
        ]
    }


def find_nearest(request: Request) -> Json:
    """List the cities closest to a point."""
    latitude, longitude = request.degrees("lat", 90), request.degrees("lon", 180)
    found = nearest_cities(latitude, longitude, request.whole("limit", 5, (1, MAX_LIMIT)))
    return {"data": [_city(city) | {"distance_km": round(km, 1)} for km, city in found]}


def list_currencies(_: Request) -> Json:
    """List currencies."""
    return {
        "data": [
            {"code": c.code, "name": c.name, "exponent": c.exponent} for c in currencies().values()
        ]
    }


def list_rates(request: Request) -> Json:
    """List what one unit of the base currency buys."""
    base = _find_currency(request.text("base", "EUR"), "base")
    wanted = request.parameters.get("symbols")
    quotes = (
        [_find_currency(code, "symbols") for code in wanted.split(",")]
        if wanted
        else currencies().values()
    )
    rates = {quote.code: str(cross_rate(base, quote)) for quote in quotes if quote != base}
    return {"base": base.code, "date": SAMPLE_DATE, "note": SAMPLE_NOTE, "rates": rates}


def convert_amount(request: Request) -> Json:
    """Convert an amount from one currency to another."""
    base = _find_currency(request.text("from"), "from")
    quote = _find_currency(request.text("to"), "to")
    amount = request.amount("amount")
    return {
        "from": base.code,
        "to": quote.code,
        "amount": str(amount),
        "rate": str(cross_rate(base, quote)),
        "result": str(convert(amount, base, quote)),
        "date": SAMPLE_DATE,
        "note": SAMPLE_NOTE,
    }


def plan_route(request: Request) -> Json:
    """Measure the legs between cities in the given order."""
    try:
        order = msgspec.json.decode(request.body, type=RouteOrder)
    except msgspec.DecodeError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    stops = [_find_city(city_id, HTTPStatus.UNPROCESSABLE_ENTITY) for city_id in order.cities]
    if not 1 < len(stops) <= MAX_STOPS:
        detail = f"cities must name from 2 to {MAX_STOPS} cities."
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, "cities")
    if order.return_to_start:
        stops.append(stops[0])
    legs = [_leg(start, end) for start, end in pairwise(stops)]
    total_km = round(sum(leg["distance_km"] for leg in legs), 1)
    return {
        "legs": legs,
        "distance_km": total_km,
        "flight_minutes": round(total_km / CRUISE_KMH * 60),
    }


def _leg(start: City, end: City) -> Json:
    km = distance_km((start.latitude, start.longitude), (end.latitude, end.longitude))
    return {"from": start.id, "to": end.id, "distance_km": round(km, 1)}


async def report_slowly(request: Request) -> Json:
    """Answer after the asked delay."""
    delay_ms = request.whole("delay_ms", 1000, (0, MAX_DELAY_MS))
    await asyncio.sleep(delay_ms / 1000)
    population = sum(city.population for city in cities().values())
    return {"delay_ms": delay_ms, "cities": len(cities()), "population": population}


def answer_flakily(request: Request) -> Json:
    """Fail every k-th call of the same k."""
    every = request.whole("every", 3, (1, 1000))
    status = request.whole("status", FLAKY_STATUSES[1], (FLAKY_STATUSES[0], FLAKY_STATUSES[1]))
    if status not in FLAKY_STATUSES:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "status must be 500 or 503.", "status")
    flaky_calls[every] += 1
    if flaky_calls[every] % every == 0:
        raise ProblemError(status, f"Every call number {every} fails, as asked.")
    return {"call": flaky_calls[every], "every": every}


def check_health(_: Request) -> Json:
    """Say that the service is up."""
    return {"status": "ok"}


def echo(request: Request) -> Json:
    """Return what arrived, header by header: shows what a gateway adds and strips."""
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": dict(request.headers),
        "body": request.body.decode("utf-8", errors="replace"),
    }


def _city(city: City) -> Json:
    return {
        "id": city.id,
        "name": city.name,
        "country": {"code": city.country.code, "name": city.country.name},
        "latitude": city.latitude,
        "longitude": city.longitude,
        "population": city.population,
    }


def _find_city(city_id: str, status: int = HTTPStatus.NOT_FOUND) -> City:
    city = cities().get(city_id)
    if city is None:
        raise ProblemError(status, f"No city {city_id}.", "cities" if status != 404 else None)
    return city


def _find_currency(code: str, parameter: str) -> Currency:
    currency = currencies().get(code.strip().upper())
    if currency is None:
        raise ProblemError(HTTPStatus.BAD_REQUEST, f"No currency {code}.", parameter)
    return currency
