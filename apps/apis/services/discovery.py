"""What finds a listing: the facts that the catalogue sorts and filters by, and the vocabulary for mistyped words."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.apis.models import Api, ListingFacts, SearchWord
from apps.apis.selectors.shelves import LISTED, forget_shelves
from apps.apis.selectors.spelling import MIN_LENGTH
from apps.apis.selectors.words import MAX_WORD_LENGTH
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated

FACTS: Final = frozenset(
    field.name for field in ListingFacts._meta.concrete_fields if not field.primary_key
)
# As `apps.apis.selectors.spelling.trigrams_of` makes them.
_TRIGRAMS: Final = """
    ARRAY(SELECT DISTINCT substr('  ' || word || ' ', place, 3)
          FROM generate_series(1, length(word) + 1) AS place)
"""
_IS_WORD: Final = (
    f"length(word) BETWEEN {MIN_LENGTH} AND {MAX_WORD_LENGTH} AND word ~ '^[[:alnum:]]*[[:alpha:]]'"
)
# Sorted, so that two transactions that note the same words cannot wait for each other.
_NOTE_WORDS: Final = f"""
    INSERT INTO apis_searchword (word, api_count, trigrams)
    SELECT word, 1, {_TRIGRAMS}
    FROM apis_api AS api, unnest(tsvector_to_array(search)) AS word
    WHERE api.id = %s AND {LISTED} AND {_IS_WORD}
    ORDER BY word
    ON CONFLICT (word) DO NOTHING
"""  # noqa: S608 -- parts of this module only
_REBUILD: Final = f"""
    WITH used AS MATERIALIZED (
        SELECT word, ndoc FROM ts_stat($listed$
            SELECT search FROM apis_api AS api WHERE {LISTED} AND search IS NOT NULL
        $listed$) WHERE {_IS_WORD}
    ), kept AS (
        INSERT INTO apis_searchword (word, api_count, trigrams)
        SELECT word, ndoc, {_TRIGRAMS} FROM used ORDER BY word
        ON CONFLICT (word) DO UPDATE SET api_count = EXCLUDED.api_count
        WHERE apis_searchword.api_count <> EXCLUDED.api_count
    )
    DELETE FROM apis_searchword WHERE word NOT IN (SELECT word FROM used)
"""  # noqa: S608 -- parts of this module only
_REBUILD_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('apis.rebuild_vocabulary'))"


def set_listing_facts(*, api_id: UUID, **facts: Any) -> ListingFacts:
    """Write facts of a listing, as fields of `ListingFacts`; what is not given stays as it is.

    For higher apps, which know them: ratings, for one. The catalogue sorts and filters by them at once.

    Raises:
        TypeError: there is no such fact.
    """
    unknown = sorted(facts.keys() - FACTS)
    if unknown:
        raise TypeError(f"no facts of a listing: {', '.join(unknown)}")
    row, _is_new = ListingFacts.objects.update_or_create(api_id=api_id, defaults=facts)
    forget_shelves()
    return row


@transaction.atomic
def note_listing(*, api_id: UUID) -> None:
    """Follow a change of what the catalogue shows: counts are taken anew, new words help to find mistyped ones.

    Words of an API that is not listed are not noted. Words that nobody lists any more are never suggested
    (`apps.apis.selectors.spelling` asks the catalogue), and the next `rebuild_vocabulary` drops them.
    """
    ListingFacts.objects.get_or_create(api_id=api_id)
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_WORDS, [api_id])
    forget_shelves()


@transaction.atomic
def rebuild_vocabulary() -> int:
    """Count the words of all listed APIs anew, drop those that none uses, and return how many there are.

    One statement, whatever the number of APIs; a word that is noted meanwhile stays until the next time.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REBUILD_LOCK)
        cursor.execute(_REBUILD)
    return SearchWord.objects.count()


@transaction.atomic
def feature_api(*, api: Api, position: int | None, actor: Actor) -> Api:
    """Put a listing among the featured ones of the home page, or with `None` take it out.

    Raises:
        RuleViolated: the catalogue does not list it.
    """
    locked = Api.objects.lock(api.pk)
    if position is not None and not Api.objects.listed().filter(pk=api.pk).exists():
        raise RuleViolated(_("Only APIs that the catalogue lists can be featured."))
    before = locked.featured_position
    if before == position:
        return api
    Api.objects.filter(pk=api.pk).update(featured_position=position)
    api.featured_position = position
    record_audit(
        action="apis:api:featured",
        target=api,
        actor=actor,
        before={"featured_position": before},
        after={"featured_position": position},
    )
    return api
