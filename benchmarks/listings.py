"""A catalogue of any size, made by a few statements: names, texts and facts as uneven as those of a real one.

Words follow Zipf's law, as in any language: a few stand in most listings, most of them in a few.
"""

from __future__ import annotations

import random
from typing import Final

from django.core.cache import cache
from django.db import connection

from apps.apis.services import rebuild_vocabulary
from tests.factories.accounts import OrganizationFactory
from tests.factories.apis import CategoryFactory

CATEGORIES: Final = 12
PROVIDERS: Final = 200
VOCABULARY: Final = 20_000
SEED: Final = 7
TOPICS: Final = (
    "weather", "forecast", "exchange", "currency", "payment", "invoice", "translation", "language", "image",
    "recognition", "maps", "routing", "geocoding", "flight", "hotel", "train", "football", "music", "lyrics",
    "recipe", "nutrition", "medicine", "genome", "satellite", "tides", "earthquake", "stock", "crypto", "email",
    "validation", "address", "phone", "identity", "document", "signature", "search", "news", "sentiment", "speech",
    "video",
)  # fmt: skip
_ONSETS: Final = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "g",
    "gr",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
)
_VOWELS: Final = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
_ENDS: Final = ("", "n", "r", "s", "t", "l", "m", "nd")

# A word of rank r is drawn about as often as 1/r: the square of an even number would be too even, its power is not.
_WORD: Final = "words[1 + floor(power(random(), 3) * array_length(words, 1))::int]"
_LISTINGS: Final = f"""
    INSERT INTO apis_api (
        id, created_at, updated_at, organization_id, category_id, name, slug, tags, short_description, description,
        terms_url, support_email, status, status_reason, visibility, upstream_url, allowed_methods, health_path,
        health_expected_status, health_interval_s, activated_at, search
    )
    SELECT id, now(), now(), organization_id, category_id, name, slug, tags, short, long, '', '', 'active', '',
           CASE WHEN number %% 20 = 0 THEN 'private' WHEN number %% 20 = 1 THEN 'unlisted' ELSE 'public' END,
           'https://upstream.example.com', ARRAY['GET'], '/', 200, 60, now() - number * interval '1 minute',
           setweight(to_tsvector('simple', name || ' ' || array_to_string(tags, ' ')), 'A')
           || setweight(to_tsvector('simple', short), 'B') || setweight(to_tsvector('simple', long), 'C')
    FROM (
        SELECT number, gen_random_uuid() AS id, 'bench-' || number AS slug,
               organizations[1 + number %% array_length(organizations, 1)] AS organization_id,
               categories[1 + floor(power(random(), 2) * array_length(categories, 1))::int] AS category_id,
               initcap({_WORD} || ' ' || {_WORD}) AS name,
               ARRAY[{_WORD}, {_WORD}, 'api'] AS tags,
               array_to_string(ARRAY(SELECT {_WORD} FROM generate_series(1, 10 + number * 0)), ' ') || ' api' AS short,
               array_to_string(ARRAY(SELECT {_WORD} FROM generate_series(1, 40 + number * 0)), ' ') AS long
        FROM generate_series(1, %(count)s) AS number,
             (SELECT %(words)s::text[] AS words, %(organizations)s::uuid[] AS organizations,
                     %(categories)s::uuid[] AS categories) AS given
    ) AS drawn
"""  # noqa: S608 -- parts of this module only
_FACTS: Final = """
    INSERT INTO apis_listingfacts (
        api_id, calls_7d, calls_previous_7d, subscriber_count, trend, rating_average, rating_count, latency_p50_ms,
        uptime_30d, has_free_tier, price_models, price_from, price_currency, refreshed_at
    )
    SELECT id, calls, before, (calls / 1000)::int, (calls - before)::numeric / (before + 100),
           CASE WHEN random() < 0.4 THEN round((2.5 + 2.5 * sqrt(random()))::numeric, 2) END, (20 * random())::int,
           CASE WHEN random() < 0.9 THEN (20 + 1500 * power(random(), 3))::int END, 99, random() < 0.3,
           CASE (5 * random())::int WHEN 0 THEN ARRAY['flat'] WHEN 1 THEN ARRAY['flat', 'graduated']
                WHEN 2 THEN ARRAY['per_unit'] WHEN 3 THEN ARRAY['package'] ELSE ARRAY['flat', 'per_unit'] END,
           round((100 * random())::numeric, 2), 'USD', now()
    FROM (
        SELECT id, (100000 * power(random(), 6))::bigint AS calls, (100000 * power(random(), 6))::bigint AS before
        FROM apis_api WHERE slug LIKE 'bench-%%'
    ) AS drawn
    ON CONFLICT (api_id) DO NOTHING
"""


def make_words() -> list[str]:
    """Return the vocabulary, the most frequent word first; the same in every run."""
    rng = random.Random(SEED)  # noqa: S311 -- invented words need no secrecy
    found = dict.fromkeys(TOPICS)
    while len(found) < VOCABULARY:
        syllables = rng.choice((2, 2, 3))
        found[
            "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables))
            + rng.choice(_ENDS)
        ] = None
    return list(found)


def fill_catalogue(count: int) -> list[str]:
    """Insert listings, a tenth of them not public, with facts and vocabulary; return the words in use."""
    words = make_words()
    organizations = [OrganizationFactory().pk for _ in range(PROVIDERS)]
    categories = [CategoryFactory().pk for _ in range(CATEGORIES)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(
            _LISTINGS,
            {
                "count": count,
                "words": words,
                "organizations": organizations,
                "categories": categories,
            },
        )
        cursor.execute(_FACTS, {})
    rebuild_vocabulary()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE apis_api, apis_listingfacts, apis_searchword")
    cache.clear()
    return words
