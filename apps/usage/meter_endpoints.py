"""The endpoints that a meter's filters and dimensions may name, and what the meter remembers of them.

Source: docs/domain/meters.md §1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from apps.apis.enums import SERVED_VERSIONS
from apps.apis.models import Api, Endpoint
from apps.core.exceptions import InvalidInput
from apps.usage.endpoint_table import EndpointTable
from apps.usage.meter_drafts import MeterDraft
from apps.usage.meter_filters import ENDPOINT, OTHER, as_text

Pairs = list[tuple[str, str]]


def described_endpoints(api: Api) -> Pairs:
    """Return method and path template of each endpoint of the versions that are served, the current one's first. One query.

    Templates that differ only in a parameter's name are one endpoint, under the first of these names.
    """
    rows = Endpoint.objects.filter(version__api=api, version__status__in=SERVED_VERSIONS)
    newest = rows.order_by("-version__is_current", "-version_id", "position")
    pairs = list(dict.fromkeys(newest.values_list("method", "path")))
    table = EndpointTable(pairs)
    return [
        (method, path) for method, path in pairs if table.find(method, path) == f"{method} {path}"
    ]


def endpoint_names(api: Api) -> list[str]:
    """Return the endpoints as filters name them, such as `GET /cities/{id}`."""
    return [f"{method} {path}" for method, path in described_endpoints(api)]


def resolve_endpoints(api: Api, draft: MeterDraft) -> Pairs:
    """Return the endpoints that a meter has to remember; none when it names none. One query when it does.

    Beside those named these are the ones that a call to them could be mistaken for: of the same method, with as many segments.

    Raises:
        InvalidInput: a filter or dimension names an endpoint that no served version of the API documents.
    """
    named = list(_named(draft))
    if not named:
        return []
    described = described_endpoints(api)
    known = {f"{method} {path}" for method, path in described}
    shapes = set()
    for field, text in named:
        method, _space, path = text.partition(" ")
        if text not in known:
            raise InvalidInput(
                _("“%(endpoint)s” is no endpoint of a version that is served.")
                % {"endpoint": text[:200]},
                field=field,
            )
        shapes.add((method, path.count("/")))
    return [pair for pair in described if (pair[0], pair[1].count("/")) in shapes]


def _named(draft: MeterDraft) -> Iterator[tuple[str, str]]:
    """Yield each endpoint that filters and dimensions name, with the field that names it."""
    for item in draft.filters:
        if item["property"] == ENDPOINT:
            value = item.get("value")
            for each in (
                value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
            ):
                yield "filters", as_text(each)
    for item in draft.group_by:
        if item["property"] == ENDPOINT:
            yield from (("group_by", value) for value in item["values"] if value != OTHER)
