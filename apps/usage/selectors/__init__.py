"""Reads of this app. Totals come from windows, never from counting events in a request."""

from apps.usage.selectors.analytics import (
    GROUPS,
    Analytics,
    Group,
    GroupPage,
    OperatorTime,
    analyse,
    consumer_scope,
    group_page,
    narrow,
    operator_scope,
    points_of,
    provider_scope,
    totals,
)
from apps.usage.selectors.analytics_filters import (
    FILTERS,
    Chosen,
    choose_filters,
    columns_of,
    narrow_calls,
)
from apps.usage.selectors.archives import archives, archives_in, find_archived, get_archive
from apps.usage.selectors.batches import batches_of, get_batch, rejections_of
from apps.usage.selectors.calls import (
    counted_events,
    events_of_consumer,
    events_of_provider,
    get_call,
)
from apps.usage.selectors.exports import exports_of, get_export
from apps.usage.selectors.fates import SentEvent, fates_of
from apps.usage.selectors.filters import (
    get_consumer_subscription,
    get_provided_api,
    get_subscribed_api,
    provided_apis,
    subscriptions_of,
)
from apps.usage.selectors.history import CallHistory, chunks_between, events_between
from apps.usage.selectors.late import (
    late_calls,
    late_events_of_consumer,
    late_events_of_provider,
    watermark_has_passed,
)
from apps.usage.selectors.meters import (
    counted_events_of,
    get_meter,
    is_in_use,
    meters_of,
    running_meter_keys,
    running_meters,
)
from apps.usage.selectors.period_quantities import (
    projectable_meters,
    quantities_for,
    quantities_in,
)
from apps.usage.selectors.quantities import (
    usage_is_complete,
    used_calls,
    used_calls_for,
)
from apps.usage.selectors.replays import (
    find_replay,
    get_drift_report,
    get_replay,
    list_drift_reports,
    list_replays,
    missing_events,
)
from apps.usage.selectors.rewinds import get_rewind, list_differences, list_rewinds
from apps.usage.selectors.shippers import (
    get_shipper,
    serving_shippers,
    shipper_standings,
    shipper_status,
    shippers,
)
from apps.usage.selectors.windows import (
    own_windows,
    provided_windows,
    windows_by_id,
    windows_of_consumer,
    windows_of_provider,
)

__all__ = (
    "FILTERS",
    "GROUPS",
    "Analytics",
    "CallHistory",
    "Chosen",
    "Group",
    "GroupPage",
    "OperatorTime",
    "SentEvent",
    "analyse",
    "archives",
    "archives_in",
    "batches_of",
    "choose_filters",
    "chunks_between",
    "columns_of",
    "consumer_scope",
    "counted_events",
    "counted_events_of",
    "events_between",
    "events_of_consumer",
    "events_of_provider",
    "exports_of",
    "fates_of",
    "find_archived",
    "find_replay",
    "get_archive",
    "get_batch",
    "get_call",
    "get_consumer_subscription",
    "get_drift_report",
    "get_export",
    "get_meter",
    "get_provided_api",
    "get_replay",
    "get_rewind",
    "get_shipper",
    "get_subscribed_api",
    "group_page",
    "is_in_use",
    "late_calls",
    "late_events_of_consumer",
    "late_events_of_provider",
    "list_differences",
    "list_drift_reports",
    "list_replays",
    "list_rewinds",
    "meters_of",
    "missing_events",
    "narrow",
    "narrow_calls",
    "operator_scope",
    "own_windows",
    "points_of",
    "projectable_meters",
    "provided_apis",
    "provided_windows",
    "provider_scope",
    "quantities_for",
    "quantities_in",
    "rejections_of",
    "running_meter_keys",
    "running_meters",
    "serving_shippers",
    "shipper_standings",
    "shipper_status",
    "shippers",
    "subscriptions_of",
    "totals",
    "usage_is_complete",
    "used_calls",
    "used_calls_for",
    "watermark_has_passed",
    "windows_by_id",
    "windows_of_consumer",
    "windows_of_provider",
)
