"""Names of the gateway's keys in Valkey. Text in braces is the slot: what one call touches shares it."""

from __future__ import annotations

from typing import Final

HEAD: Final = "{registry}:head"
ENTRIES: Final = "{registry}:entries"
CHANGES: Final = "{registry}:changes"
NODES: Final = "{registry}:nodes"
# Key id -> its digest under the newest pepper, for keys that were found by an older one.
OUTDATED_KEYS: Final = "{registry}:outdated"


def staging(epoch: str) -> str:
    """The hash that a rebuild fills before it becomes the entries."""
    return f"{{registry}}:staging:{epoch}"


def reload_request(node: str) -> str:
    """What one authorizer is asked: load the registry anew."""
    return f"{{registry}}:reload:{node}"


def subscription_counters(org_id: str, sub_id: str) -> str:
    """Quota counters and windows of a subscription."""
    return f"lim:{{{org_id}}}:s:{sub_id}"


def key_windows(org_id: str, key_id: str) -> str:
    """Windows of one key's own limits."""
    return f"lim:{{{org_id}}}:k:{key_id}"


def tenant_windows(org_id: str) -> str:
    """Windows of a consumer organization."""
    return f"lim:{{{org_id}}}:t"


def api_windows(api_id: str) -> str:
    """Windows of an API, of which authorizers lease slices."""
    return f"api:{{{api_id}}}"


def taken_call(org_id: str, request_id: str) -> str:
    """The mark of an allowed call, for a sub-request that is sent again."""
    return f"lim:{{{org_id}}}:i:{request_id}"


def given_back(org_id: str, event_id: str) -> str:
    """The mark of a call whose quota was given back."""
    return f"lim:{{{org_id}}}:g:{event_id}"


def comparison(org_id: str, sub_id: str) -> str:
    """The mark of a subscription whose counters are being compared with what was counted."""
    return f"lim:{{{org_id}}}:c:{sub_id}"
