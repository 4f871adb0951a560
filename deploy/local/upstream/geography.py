"""Cities: loaded once, searched in memory."""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True)
class Country:
    """A country with the currency paid in it."""

    code: str
    name: str
    currency: str


@dataclass(frozen=True)
class City:
    """A city; population is a rounded estimate of the city proper."""

    id: str
    name: str
    country: Country
    latitude: float
    longitude: float
    population: int


def fold(text: str) -> str:
    """Return lower-case text without accents, so that `sao` finds São Paulo."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    return "".join(char for char in plain if not unicodedata.combining(char))


@cache
def countries() -> dict[str, Country]:
    """Return every country by ISO 3166-1 alpha-2 code."""
    with (DATA / "countries.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: Country(**row) for row in csv.DictReader(file)}


@cache
def cities() -> dict[str, City]:
    """Return every city by id, largest first."""
    with (DATA / "cities.csv").open(encoding="utf-8", newline="") as file:
        found = [_read(row) for row in csv.DictReader(file)]
    return {city.id: city for city in sorted(found, key=lambda city: -city.population)}


def _read(row: dict[str, str]) -> City:
    country = countries()[row["country"]]
    slug = re.sub(r"[^a-z0-9]+", "-", fold(row["name"])).strip("-")
    return City(
        id=f"{slug}-{country.code.lower()}",
        name=row["name"],
        country=country,
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        population=int(row["population"]),
    )


@cache
def _folded_names() -> dict[str, str]:
    return {city.id: fold(city.name) for city in cities().values()}


def search_cities(text: str, country: str | None, min_population: int) -> list[City]:
    """Return the cities whose name contains a text, largest first."""
    wanted = fold(text)
    names = _folded_names()
    return [
        city
        for city in cities().values()
        if wanted in names[city.id]
        and country in (None, city.country.code)
        and city.population >= min_population
    ]


def count_cities_by_country() -> Counter[str]:
    """Return how many cities are known of each country."""
    return Counter(city.country.code for city in cities().values())


def nearest_cities(latitude: float, longitude: float, count: int) -> list[tuple[float, City]]:
    """Return the closest cities with their distances in km, closest first."""
    measured = [
        (distance_km((latitude, longitude), (city.latitude, city.longitude)), city)
        for city in cities().values()
    ]
    return sorted(measured, key=lambda pair: pair[0])[:count]


def distance_km(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return the great-circle distance between two (latitude, longitude) in degrees."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (start, end))
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(half))
