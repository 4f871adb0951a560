"""What providers publish: listings, their versions and endpoints, the health of their upstreams, and what finds them."""

from apps.apis.models.discovery import ListingFacts, SearchWord
from apps.apis.models.documents import ApiVersion, Endpoint, OpenapiImport
from apps.apis.models.domains import ApiDomain
from apps.apis.models.health import HealthCheck, HealthDay, HealthIncident, UpstreamHealth
from apps.apis.models.listings import (
    HTTP_METHODS,
    Api,
    ApiAccess,
    ApiLogo,
    ApiQuerySet,
    ApiStatusChange,
    ApiUpdate,
    Category,
    RequiredHeader,
    UpstreamSecret,
    all_methods,
)

__all__ = [
    "HTTP_METHODS",
    "Api",
    "ApiAccess",
    "ApiDomain",
    "ApiLogo",
    "ApiQuerySet",
    "ApiStatusChange",
    "ApiUpdate",
    "ApiVersion",
    "Category",
    "Endpoint",
    "HealthCheck",
    "HealthDay",
    "HealthIncident",
    "ListingFacts",
    "OpenapiImport",
    "RequiredHeader",
    "SearchWord",
    "UpstreamHealth",
    "UpstreamSecret",
    "all_methods",
]
