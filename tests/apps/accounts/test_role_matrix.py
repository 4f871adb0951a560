"""Who may call which REST endpoint: the whole table, checked against every route of the URLconf.

A new endpoint needs a row below, else `test_every_endpoint_has_a_row` fails. The handlers themselves are not run
here: a row says who gets as far as the handler, and who is turned away with 401, 403 or 404 before it.
"""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.response import Response

from apps.accounts.models import Membership, Organization, User
from apps.core.actors import Actor, ActorKind
from tests.clients import api_client
from tests.endpoints import Route, api_routes
from tests.factories.accounts import OrganizationFactory, make_member, make_staff

VIEWER, DEVELOPER, BILLING, ADMIN, OWNER = "viewer", "developer", "billing", "admin", "owner"
APPROVER, OPERATOR, FINANCE = "approver", "operator", "finance"
ANONYMOUS, SHIPPER = "anonymous", "shipper"

READERS = {VIEWER, DEVELOPER, BILLING, ADMIN, OWNER}
BUILDERS = {DEVELOPER, ADMIN, OWNER}
BUYERS = {DEVELOPER, BILLING, ADMIN, OWNER}
MONEY = {BILLING, ADMIN, OWNER}
MANAGERS = {ADMIN, OWNER}
OWNERS = {OWNER}
STAFF = {APPROVER, OPERATOR, FINANCE}
SIGNED_IN = READERS | STAFF | {SHIPPER}
EVERYBODY = SIGNED_IN | {ANONYMOUS}

MATRIX: dict[str, set[str]] = {
    # --- accounts -----------------------------------------------------------------------------
    "GET /api/v1/auth/whoami": SIGNED_IN,
    "GET /api/v1/me": SIGNED_IN,
    "PATCH /api/v1/me": SIGNED_IN,
    "GET /api/v1/me/organizations": SIGNED_IN,
    "GET /api/v1/me/invitations": SIGNED_IN,
    "POST /api/v1/me/invitations/{invitation_id}/accept": SIGNED_IN,
    "GET /api/v1/me/deletion-request": SIGNED_IN,
    "POST /api/v1/me/deletion-request": SIGNED_IN,
    "DELETE /api/v1/me/deletion-request": SIGNED_IN,
    "POST /api/v1/me/deletion-request/answer": SIGNED_IN,
    "POST /api/v1/organizations": SIGNED_IN,
    "GET /api/v1/organizations/{organization_id}": READERS,
    "PATCH /api/v1/organizations/{organization_id}": OWNERS,
    "GET /api/v1/organizations/{organization_id}/clock": READERS,
    "POST /api/v1/organizations/{organization_id}/clock": OWNERS,
    "GET /api/v1/organizations/{organization_id}/plan": READERS,
    "GET /api/v1/organizations/{organization_id}/audit-events": MANAGERS,
    "GET /api/v1/organizations/{organization_id}/workspaces": READERS,
    "POST /api/v1/organizations/{organization_id}/workspaces": MANAGERS,
    "PATCH /api/v1/organizations/{organization_id}/workspaces/{workspace_id}": MANAGERS,
    "GET /api/v1/organizations/{organization_id}/members": READERS,
    "PATCH /api/v1/organizations/{organization_id}/members/{member_id}": MANAGERS,
    "DELETE /api/v1/organizations/{organization_id}/members/{member_id}": MANAGERS,
    "GET /api/v1/organizations/{organization_id}/invitations": MANAGERS,
    "POST /api/v1/organizations/{organization_id}/invitations": MANAGERS,
    "DELETE /api/v1/organizations/{organization_id}/invitations/{invitation_id}": MANAGERS,
    "GET /api/v1/organizations/{organization_id}/service-tokens": MANAGERS,
    "POST /api/v1/organizations/{organization_id}/service-tokens": MANAGERS,
    "DELETE /api/v1/organizations/{organization_id}/service-tokens/{token_id}": MANAGERS,
    "GET /api/v1/platform-plans": EVERYBODY,
    "GET /api/v1/admin/organizations/{organization_id}/plan": {OPERATOR},
    "PUT /api/v1/admin/organizations/{organization_id}/plan": {OPERATOR},
    "GET /api/v1/admin/users": {OPERATOR},
    "POST /api/v1/admin/users/{user_id}/deactivate": {OPERATOR},
    "POST /api/v1/admin/users/{user_id}/reactivate": {OPERATOR},
    # --- core ---------------------------------------------------------------------------------
    "GET /api/health": EVERYBODY,
    "GET /api/health/live": EVERYBODY,
    "GET /api/health/ready": EVERYBODY,
    "GET /api/jobs/status/{job_id}": SIGNED_IN,
    "GET /api/v1/admin/events/dead-letters": {OPERATOR},
    "GET /api/v1/admin/events/stats": {OPERATOR},
    "POST /api/v1/admin/events/dead-letters/retry": {OPERATOR},
    "GET /api/v1/admin/events/dead-letters/{letter_id}": {OPERATOR},
    "POST /api/v1/admin/events/dead-letters/{letter_id}/retry": {OPERATOR},
    "POST /api/v1/admin/events/dead-letters/{letter_id}/discard": {OPERATOR},
    "GET /api/v1/jobs/{job_id}": SIGNED_IN,
    "GET /api/v1/schema/": EVERYBODY,
    "GET /api/v1/docs/": EVERYBODY,
    # --- notifications ------------------------------------------------------------------------
    "GET /api/v1/notifications": SIGNED_IN,
    "GET /api/v1/notifications/unread": SIGNED_IN,
    "POST /api/v1/notifications/read": SIGNED_IN,
    "POST /api/v1/notifications/{notification_id}/read": SIGNED_IN,
    "GET /api/v1/notifications/preferences": SIGNED_IN,
    "PATCH /api/v1/notifications/preferences": SIGNED_IN,
    "GET /api/v1/webhook-endpoints": MANAGERS,
    "POST /api/v1/webhook-endpoints": MANAGERS,
    "GET /api/v1/webhook-endpoints/{endpoint_id}": MANAGERS,
    "PATCH /api/v1/webhook-endpoints/{endpoint_id}": MANAGERS,
    "DELETE /api/v1/webhook-endpoints/{endpoint_id}": MANAGERS,
    "POST /api/v1/webhook-endpoints/{endpoint_id}/rotate-secret": MANAGERS,
    "POST /api/v1/webhook-endpoints/{endpoint_id}/test": MANAGERS,
    "GET /api/v1/webhook-endpoints/{endpoint_id}/deliveries": MANAGERS,
    "POST /api/v1/webhook-endpoints/{endpoint_id}/replay": MANAGERS,
    "GET /api/v1/webhook-deliveries/{delivery_id}": MANAGERS,
    "POST /api/v1/webhook-deliveries/{delivery_id}/replay": MANAGERS,
    "GET /api/v1/webhook-event-types": SIGNED_IN,
    # --- approvals ----------------------------------------------------------------------------
    "GET /api/v1/admin/approvals": {APPROVER, OPERATOR},
    "GET /api/v1/admin/approvals/{approval_id}": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/{approval_id}/approve": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/{approval_id}/reject": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/{approval_id}/request-information": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/{approval_id}/escalate": {APPROVER, OPERATOR},
    "GET /api/v1/admin/approvals/{approval_id}/comments": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/{approval_id}/comments": {APPROVER, OPERATOR},
    "GET /api/v1/admin/approvals/{approval_id}/attachments/{attachment_id}": {APPROVER, OPERATOR},
    "GET /api/v1/admin/approvals/{approval_id}/history": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/{approval_id}/assign": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/{approval_id}/claim": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/{approval_id}/priority": {APPROVER, OPERATOR},
    "POST /api/v1/admin/approvals/bulk": {APPROVER, OPERATOR},
    "GET /api/v1/admin/approvals/calendar": {APPROVER, OPERATOR},
    "PUT /api/v1/admin/approvals/calendar": {OPERATOR},
    "GET /api/v1/admin/approvals/counts": {APPROVER, OPERATOR},
    "GET /api/v1/admin/approvals/overdue": {APPROVER, OPERATOR},
    "GET /api/v1/admin/approvals/statistics": {APPROVER, OPERATOR},
    "GET /api/v1/approvals": READERS,
    "GET /api/v1/approvals/received": READERS,
    "GET /api/v1/approvals/{approval_id}": READERS,
    # Who may answer and decide for a subject is known to its own app; the service asks it.
    "POST /api/v1/approvals/{approval_id}/approve": READERS,
    "POST /api/v1/approvals/{approval_id}/reject": READERS,
    "POST /api/v1/approvals/{approval_id}/request-information": READERS,
    "POST /api/v1/approvals/{approval_id}/information": READERS,
    "POST /api/v1/approvals/{approval_id}/withdraw": READERS,
    "GET /api/v1/approvals/{approval_id}/comments": READERS,
    "POST /api/v1/approvals/{approval_id}/comments": READERS,
    "GET /api/v1/approvals/{approval_id}/attachments/{attachment_id}": READERS,
    # --- apis ---------------------------------------------------------------------------------
    "GET /api/v1/provider/verification": READERS,
    "POST /api/v1/provider/verification": OWNERS,
    "GET /api/v1/provider/apis": READERS,
    "POST /api/v1/provider/apis": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}": READERS,
    "PATCH /api/v1/provider/apis/{api_id}": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/openapi": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/upstream-check": READERS,
    "POST /api/v1/provider/apis/{api_id}/upstream-check": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/health": READERS,
    "PUT /api/v1/provider/apis/{api_id}/health": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/submit": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/status": READERS,
    "POST /api/v1/provider/apis/{api_id}/retry": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/suspend": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/resume": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/secrets": READERS,
    "POST /api/v1/provider/apis/{api_id}/secrets": BUILDERS,
    "DELETE /api/v1/provider/apis/{api_id}/secrets/{secret_id}": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/imports": READERS,
    "GET /api/v1/provider/apis/{api_id}/imports/{import_id}": READERS,
    "POST /api/v1/provider/apis/{api_id}/imports/{import_id}/apply": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/imports/{import_id}/discard": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/versions": READERS,
    "POST /api/v1/provider/apis/{api_id}/versions": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/versions/{version_id}": READERS,
    "PATCH /api/v1/provider/apis/{api_id}/versions/{version_id}": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/versions/{version_id}/publish": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/versions/{version_id}/make-current": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/versions/{version_id}/deprecate": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/versions/{version_id}/retire": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/deprecate": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/retire": BUILDERS,
    "PUT /api/v1/provider/apis/{api_id}/logo": BUILDERS,
    "DELETE /api/v1/provider/apis/{api_id}/logo": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/meters": READERS,
    "POST /api/v1/provider/apis/{api_id}/meters": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/meters/sample": READERS,
    "GET /api/v1/provider/apis/{api_id}/meters/{meter_id}": READERS,
    "PATCH /api/v1/provider/apis/{api_id}/meters/{meter_id}": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/meters/{meter_id}/archive": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/domains": READERS,
    "POST /api/v1/provider/apis/{api_id}/domains": BUILDERS,
    "DELETE /api/v1/provider/apis/{api_id}/domains/{domain_id}": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/domains/{domain_id}/verify": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/headers": READERS,
    "POST /api/v1/provider/apis/{api_id}/headers": BUILDERS,
    "DELETE /api/v1/provider/apis/{api_id}/headers/{header_id}": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/updates": READERS,
    "POST /api/v1/provider/apis/{api_id}/updates/{update_id}/withdraw": BUILDERS,
    "GET /api/v1/provider/apis/{api_id}/access": READERS,
    "POST /api/v1/provider/apis/{api_id}/access": BUILDERS,
    "POST /api/v1/provider/apis/{api_id}/access/invitations": BUILDERS,
    "DELETE /api/v1/provider/apis/{api_id}/access/{access_id}": BUILDERS,
    "GET /api/v1/marketplace/apis": EVERYBODY,
    "GET /api/v1/marketplace/apis/{slug}": EVERYBODY,
    "GET /api/v1/marketplace/categories": EVERYBODY,
    # --- pricing ------------------------------------------------------------------------------
    "GET /api/v1/provider/plans": READERS,
    "POST /api/v1/provider/plans": BUILDERS,
    "GET /api/v1/provider/plans/{plan_id}": READERS,
    "PATCH /api/v1/provider/plans/{plan_id}": BUILDERS,
    "POST /api/v1/provider/plans/{plan_id}/publish": BUILDERS,
    "POST /api/v1/provider/plans/{plan_id}/deprecate": BUILDERS,
    "POST /api/v1/provider/plans/{plan_id}/close": BUILDERS,
    "GET /api/v1/provider/plans/{plan_id}/invitations": READERS,
    "POST /api/v1/provider/plans/{plan_id}/invitations": BUILDERS,
    "POST /api/v1/provider/plans/{plan_id}/invitations/mail": BUILDERS,
    "DELETE /api/v1/provider/plans/{plan_id}/invitations/{invitation_id}": BUILDERS,
    "GET /api/v1/provider/plans/{plan_id}/moves": READERS,
    "POST /api/v1/provider/plans/{plan_id}/moves": BUILDERS,
    "GET /api/v1/provider/plans/{plan_id}/moves/{move_id}": READERS,
    "POST /api/v1/provider/plans/{plan_id}/moves/{move_id}/call-off": BUILDERS,
    "GET /api/v1/subscriptions/{subscription_id}/move": READERS,
    "GET /api/v1/provider/plans/{plan_id}/versions": READERS,
    "POST /api/v1/provider/plans/{plan_id}/versions": BUILDERS,
    "POST /api/v1/provider/plans/{plan_id}/versions/{version_id}/publish": BUILDERS,
    "GET /api/v1/provider/plans/{plan_id}/versions/{version_id}/differences": READERS,
    "GET /api/v1/marketplace/apis/{slug}/plans": EVERYBODY,
    "GET /api/v1/marketplace/apis/{slug}/plans/compare": EVERYBODY,
    "POST /api/v1/pricing/quote": EVERYBODY,
    "GET /api/v1/provider/promotions": READERS,
    "POST /api/v1/provider/promotions": BUILDERS,
    "GET /api/v1/provider/promotions/{promotion_id}": READERS,
    "PATCH /api/v1/provider/promotions/{promotion_id}": BUILDERS,
    "POST /api/v1/provider/promotions/{promotion_id}/deactivate": BUILDERS,
    "POST /api/v1/provider/promotions/{promotion_id}/activate": BUILDERS,
    "GET /api/v1/admin/promotions": {OPERATOR},
    "POST /api/v1/admin/promotions": {OPERATOR},
    "GET /api/v1/admin/promotions/{promotion_id}": {OPERATOR},
    "PATCH /api/v1/admin/promotions/{promotion_id}": {OPERATOR},
    "POST /api/v1/admin/promotions/{promotion_id}/deactivate": {OPERATOR},
    "POST /api/v1/admin/promotions/{promotion_id}/activate": {OPERATOR},
    "POST /api/v1/pricing/promotions/validate": READERS,
    "GET /api/v1/subscriptions/{subscription_id}/promotions": READERS,
    "POST /api/v1/subscriptions/{subscription_id}/promotions": BUYERS,
    "DELETE /api/v1/subscriptions/{subscription_id}/promotions/{redemption_id}": BUYERS,
    "POST /api/v1/provider/plans/from-model": BUILDERS,
    "PUT /api/v1/provider/plans/{plan_id}/follow": BUILDERS,
    "GET /api/v1/pricing/models": EVERYBODY,
    "GET /api/v1/pricing/models/{key}": EVERYBODY,
    "GET /api/v1/pricing/catalogue/schema": EVERYBODY,
    "GET /api/v1/admin/pricing/models": {OPERATOR, FINANCE},
    "POST /api/v1/admin/pricing/models": {OPERATOR},
    "GET /api/v1/admin/pricing/models/{key}": {OPERATOR, FINANCE},
    "PUT /api/v1/admin/pricing/models/{key}": {OPERATOR},
    "POST /api/v1/admin/pricing/models/{key}/activate": {OPERATOR},
    "POST /api/v1/admin/pricing/models/{key}/deactivate": {OPERATOR},
    "GET /api/v1/admin/pricing/models/{key}/versions": {OPERATOR, FINANCE},
    "GET /api/v1/admin/pricing/catalogue": {OPERATOR, FINANCE},
    "POST /api/v1/admin/pricing/catalogue/reload": {OPERATOR},
    "GET /api/v1/admin/pricing/catalogue/loads": {OPERATOR, FINANCE},
    "GET /api/v1/admin/pricing/catalogue/revisions": {OPERATOR, FINANCE},
    "GET /api/v1/admin/pricing/catalogue/revisions/{number}": {OPERATOR, FINANCE},
    "GET /api/v1/admin/pricing/catalogue/revisions/{number}/differences": {OPERATOR, FINANCE},
    "POST /api/v1/admin/pricing/catalogue/revisions/{number}/rollback": {OPERATOR},
    # --- subscriptions ------------------------------------------------------------------------
    "GET /api/v1/subscriptions": READERS,
    "POST /api/v1/subscriptions": BUYERS,
    "GET /api/v1/subscriptions/{subscription_id}": READERS,
    "GET /api/v1/subscriptions/{subscription_id}/changes": READERS,
    "POST /api/v1/subscriptions/{subscription_id}/change-preview": READERS,
    "POST /api/v1/subscriptions/{subscription_id}/change": BUYERS,
    "DELETE /api/v1/subscriptions/{subscription_id}/change": BUYERS,
    "POST /api/v1/subscriptions/{subscription_id}/answer": BUYERS,
    "POST /api/v1/subscriptions/{subscription_id}/cancel": BUYERS,
    "POST /api/v1/subscriptions/{subscription_id}/cancel-quote": READERS,
    "POST /api/v1/subscriptions/{subscription_id}/keep": BUYERS,
    "POST /api/v1/subscriptions/{subscription_id}/pause": BUYERS,
    "POST /api/v1/subscriptions/{subscription_id}/start-paid": BUYERS,
    "PUT /api/v1/subscriptions/{subscription_id}/auto-renew": BUYERS,
    "GET /api/v1/subscriptions/time-zone-preview": READERS,
    "POST /api/v1/subscriptions/{subscription_id}/resume": BUYERS,
    "GET /api/v1/provider/subscriptions": READERS,
    "GET /api/v1/provider/subscriptions/{subscription_id}": READERS,
    "GET /api/v1/provider/subscriptions/{subscription_id}/changes": READERS,
    "POST /api/v1/provider/subscriptions/{subscription_id}/ask": BUILDERS,
    "POST /api/v1/provider/subscriptions/{subscription_id}/accept": BUILDERS,
    "POST /api/v1/provider/subscriptions/{subscription_id}/decline": BUILDERS,
    "POST /api/v1/provider/subscriptions/{subscription_id}/suspend": BUILDERS,
    "POST /api/v1/provider/subscriptions/{subscription_id}/resume": BUILDERS,
    "GET /api/v1/marketplace/apis/{slug}/reviews": EVERYBODY,
    "GET /api/v1/marketplace/apis/{slug}/reviews/summary": EVERYBODY,
    "GET /api/v1/marketplace/apis/{slug}/reviews/mine": READERS,
    "PUT /api/v1/marketplace/apis/{slug}/reviews/mine": BUYERS,
    "DELETE /api/v1/marketplace/apis/{slug}/reviews/mine": BUYERS,
    "POST /api/v1/marketplace/apis/{slug}/reviews/{review_id}/report": SIGNED_IN,
    "GET /api/v1/provider/apis/{api_id}/reviews": READERS,
    "PUT /api/v1/provider/apis/{api_id}/reviews/{review_id}/reply": BUILDERS,
    "GET /api/v1/admin/reviews": {APPROVER, OPERATOR},
    "POST /api/v1/admin/reviews/{review_id}/hide": {APPROVER, OPERATOR},
    "POST /api/v1/admin/reviews/{review_id}/restore": {APPROVER, OPERATOR},
    "POST /api/v1/admin/reviews/{review_id}/dismiss": {APPROVER, OPERATOR},
    # --- keys ---------------------------------------------------------------------------------
    "GET /api/v1/keys": READERS,
    "POST /api/v1/keys": BUILDERS,
    "GET /api/v1/keys/{key_id}": READERS,
    "PATCH /api/v1/keys/{key_id}": BUILDERS,
    "POST /api/v1/keys/{key_id}/reveal": BUILDERS,
    "POST /api/v1/keys/{key_id}/rotate": BUILDERS,
    "POST /api/v1/keys/{key_id}/suspend": BUILDERS,
    "POST /api/v1/keys/{key_id}/resume": BUILDERS,
    "POST /api/v1/keys/{key_id}/retry": BUILDERS,
    "POST /api/v1/keys/{key_id}/revoke": BUILDERS,
    "GET /api/v1/keys/{key_id}/events": READERS,
    "GET /api/v1/key-policy": READERS,
    "PATCH /api/v1/key-policy": MANAGERS,
    "GET /api/v1/key-leaks": READERS,
    # Whoever can sign with one of the published keys.
    "POST /api/v1/secret-scanning/github": EVERYBODY,
    # --- gateway ------------------------------------------------------------------------------
    "GET /api/v1/admin/gateway": {OPERATOR},
    "GET /api/v1/admin/gateway/entries": {OPERATOR},
    "POST /api/v1/admin/gateway/entries/{entry_id}/retry": {OPERATOR},
    "POST /api/v1/admin/gateway/explain": {OPERATOR},
    "GET /api/v1/admin/gateway/nodes": {OPERATOR},
    "POST /api/v1/admin/gateway/reconcile": {OPERATOR},
    "GET /api/v1/admin/gateway/throttles": {OPERATOR},
    "POST /api/v1/admin/gateway/throttles": {OPERATOR},
    "GET /api/v1/admin/gateway/throttles/{throttle_id}": {OPERATOR},
    "POST /api/v1/admin/gateway/throttles/{throttle_id}/lift": {OPERATOR},
    "GET /api/v1/admin/gateway/reports": {OPERATOR},
    "GET /api/v1/admin/gateway/reports/{report_id}": {OPERATOR},
    # --- usage --------------------------------------------------------------------------------
    "GET /api/v1/usage/events": READERS,
    "POST /api/v1/usage/events": {SHIPPER},
    "GET /api/v1/usage/events/{event_id}": READERS,
    "GET /api/v1/usage/series": READERS,
    "GET /api/v1/provider/usage/events": READERS,
    "GET /api/v1/provider/usage/series": READERS,
    "GET /api/v1/analytics/usage": READERS,
    "GET /api/v1/analytics/usage/groups": READERS,
    "GET /api/v1/analytics/provider": READERS,
    "GET /api/v1/analytics/provider/groups": READERS,
    "GET /api/v1/admin/analytics": {OPERATOR, FINANCE},
    "GET /api/v1/admin/analytics/groups": {OPERATOR, FINANCE},
    "GET /api/v1/usage/batches": {SHIPPER},
    "GET /api/v1/usage/batches/{batch_id}": {SHIPPER},
    "GET /api/v1/usage/batches/{batch_id}/events": {SHIPPER},
    "GET /api/v1/usage/rejections": {SHIPPER},
    "GET /api/v1/usage/windows": READERS,
    "POST /api/v1/usage/events/missing": {SHIPPER},
    "POST /api/v1/usage/replays/{replay_id}/result": {SHIPPER},
    "POST /api/v1/admin/usage/counters/lower": {OPERATOR},
    "GET /api/v1/admin/usage/drift": {OPERATOR},
    "POST /api/v1/admin/usage/drift": {OPERATOR},
    "GET /api/v1/admin/usage/drift/{report_id}": {OPERATOR},
    "GET /api/v1/admin/usage/replays": {OPERATOR},
    "POST /api/v1/admin/usage/replays": {OPERATOR},
    "GET /api/v1/admin/usage/replays/{replay_id}": {OPERATOR},
    "GET /api/v1/admin/usage/shippers": {OPERATOR},
    "GET /api/v1/admin/usage/shippers/{node}": {OPERATOR},
    "DELETE /api/v1/admin/usage/shippers/{node}": {OPERATOR},
    "GET /api/v1/usage/exports": READERS,
    "POST /api/v1/usage/exports": READERS,
    "GET /api/v1/usage/exports/{export_id}": READERS,
    "POST /api/v1/usage/exports/{export_id}/cancel": READERS,
    "GET /api/v1/usage/exports/{export_id}/download": READERS,
    "GET /api/v1/admin/usage/archives": {OPERATOR},
    "GET /api/v1/admin/usage/archives/{archive_id}": {OPERATOR},
    "POST /api/v1/admin/usage/archives/{archive_id}/verify": {OPERATOR},
    "GET /api/v1/admin/usage/exports": {OPERATOR},
    "POST /api/v1/admin/usage/exports": {OPERATOR},
    "GET /api/v1/admin/usage/exports/{export_id}": {OPERATOR},
    "POST /api/v1/admin/usage/exports/{export_id}/cancel": {OPERATOR},
    "GET /api/v1/admin/usage/exports/{export_id}/download": {OPERATOR},
    "GET /api/v1/usage/anomalies": READERS,
    "GET /api/v1/usage/anomalies/{anomaly_id}": READERS,
    "GET /api/v1/usage/anomaly-settings": READERS,
    "PUT /api/v1/usage/anomaly-settings": BUYERS,
    "GET /api/v1/usage/live": READERS,
    "GET /api/v1/provider/usage/live": READERS,
    "GET /api/v1/admin/usage/live": {OPERATOR},
    "GET /api/v1/usage/cost": MONEY,
    "GET /api/v1/usage/budgets": MONEY,
    "POST /api/v1/usage/budgets": MONEY,
    "GET /api/v1/usage/budgets/{budget_id}": MONEY,
    "PUT /api/v1/usage/budgets/{budget_id}": MONEY,
    "DELETE /api/v1/usage/budgets/{budget_id}": MONEY,
    "GET /api/v1/usage/budgets/{budget_id}/alerts": MONEY,
    "GET /api/v1/usage/late-events": READERS,
    "GET /api/v1/provider/usage/late-events": READERS,
    "GET /api/v1/admin/usage/rewinds": {OPERATOR},
    "POST /api/v1/admin/usage/rewinds": {OPERATOR},
    "GET /api/v1/admin/usage/rewinds/{rewind_id}": {OPERATOR},
    "GET /api/v1/admin/usage/rewinds/{rewind_id}/differences": {OPERATOR},
    "GET /api/v1/quota": READERS,
    "GET /api/v1/subscriptions/{subscription_id}/quota": READERS,
    "GET /api/v1/subscriptions/{subscription_id}/usage": READERS,
    "GET /api/v1/subscriptions/{subscription_id}/spend-cap": READERS,
    "PUT /api/v1/subscriptions/{subscription_id}/spend-cap": BUYERS,
    "DELETE /api/v1/subscriptions/{subscription_id}/spend-cap": BUYERS,
    "GET /api/v1/keys/{key_id}/quota": READERS,
    "GET /api/v1/admin/subscriptions/{subscription_id}/quota-top-ups": {OPERATOR},
    "POST /api/v1/admin/subscriptions/{subscription_id}/quota-top-ups": {OPERATOR},
    # --- billing ------------------------------------------------------------------------------
    "GET /api/v1/billing/account": MONEY,
    "PATCH /api/v1/billing/account": MONEY,
    "GET /api/v1/billing/periods": MONEY,
    "GET /api/v1/billing/estimate": MONEY,
    "GET /api/v1/billing/invoices": MONEY,
    "GET /api/v1/billing/invoices/{invoice_id}": MONEY,
    "GET /api/v1/billing/invoices/{invoice_id}/pdf": MONEY,
    "POST /api/v1/billing/invoices/{invoice_id}/pay": MONEY,
    "GET /api/v1/billing/invoices/{invoice_id}/lines/{line_id}/proof": MONEY,
    "POST /api/v1/billing/invoices/{invoice_id}/refund-requests": MONEY,
    "GET /api/v1/billing/refunds": MONEY,
    "GET /api/v1/billing/refunds/{refund_id}": MONEY,
    "POST /api/v1/billing/refunds/{refund_id}/cancel": MONEY,
    "GET /api/v1/billing/credit-notes": MONEY,
    "GET /api/v1/billing/credit-notes/{note_id}": MONEY,
    "GET /api/v1/billing/credit-notes/{note_id}/pdf": MONEY,
    "GET /api/v1/billing/payment-methods": MONEY,
    "POST /api/v1/billing/payment-methods": MONEY,
    "POST /api/v1/billing/payment-methods/setup-session": MONEY,
    "DELETE /api/v1/billing/payment-methods/{method_id}": MONEY,
    "GET /api/v1/billing/payments": MONEY,
    "GET /api/v1/billing/payments/{payment_id}": MONEY,
    "GET /api/v1/earnings": MONEY,
    "GET /api/v1/earnings/totals": MONEY,
    "POST /api/v1/admin/billing/close-periods": {OPERATOR, FINANCE},
    "GET /api/v1/admin/billing/periods": {OPERATOR, FINANCE},
    "GET /api/v1/admin/billing/reratings": {OPERATOR, FINANCE},
    "GET /api/v1/admin/billing/periods/{period_id}/rerating": {OPERATOR, FINANCE},
    "POST /api/v1/admin/billing/periods/{period_id}/rerating": {OPERATOR, FINANCE},
    "GET /api/v1/admin/usage/late-events": {OPERATOR, FINANCE},
    "POST /api/v1/admin/usage/late-events/{event_id}/waive": {OPERATOR, FINANCE},
    "GET /api/v1/admin/billing/refunds": {OPERATOR, FINANCE},
    "POST /api/v1/admin/billing/refunds/{refund_id}/retry": {FINANCE},
    # --- portal -------------------------------------------------------------------------------
    "GET /api/v1/provider/analytics": READERS,
}
# Plain functions for machines, guarded by themselves and tested beside them.
NOT_IN_THE_MATRIX = frozenset({"GET /api/billing/webhook"})

REACHED = 299
ENDPOINTS = {
    f"{method} {route.template}": route for route in api_routes() for method in route.methods
}


def test_every_endpoint_has_a_row() -> None:
    wanted = ENDPOINTS.keys() - NOT_IN_THE_MATRIX

    assert sorted(wanted - MATRIX.keys()) == [], "endpoints without a row"
    assert sorted(MATRIX.keys() - wanted) == [], "rows without an endpoint"


@pytest.fixture
def callers(db: None) -> dict[str, Membership | User | Actor | None]:
    organization = OrganizationFactory()
    members = {role: make_member(role, organization) for role in sorted(READERS)}
    staff = {role: make_staff(role) for role in sorted(STAFF)}
    shipper = Actor(
        kind=ActorKind.SERVICE_TOKEN, label="shipper", permissions=frozenset({"usage.write"})
    )
    return {**members, **staff, ANONYMOUS: None, SHIPPER: shipper}


@pytest.mark.parametrize("endpoint", sorted(MATRIX.keys() & ENDPOINTS.keys()))
def test_endpoint_is_open_to_exactly_these(
    endpoint: str,
    callers: dict[str, Membership | User | Actor | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    route, method = ENDPOINTS[endpoint], endpoint.split(" ", 1)[0]
    reach_only(monkeypatch, route, method)
    member: Any = callers[OWNER]

    answers = {
        name: call(route, method, caller, member.organization) for name, caller in callers.items()
    }

    reached = {name for name, status in answers.items() if status == REACHED}
    assert reached == MATRIX[endpoint]
    refusals = {name: status for name, status in answers.items() if name not in reached}
    assert refusals.pop(ANONYMOUS, 401) == 401
    assert set(refusals.values()) <= {403, 404}


def reach_only(monkeypatch: pytest.MonkeyPatch, route: Route, method: str) -> None:
    """Answer REACHED instead of running the handler: this test is about the way there."""
    monkeypatch.setattr(
        route.view_class, method.lower(), lambda *_args, **_kwargs: Response(status=REACHED)
    )


def call(
    route: Route, method: str, who: Membership | User | Actor | None, organization: Organization
) -> int:
    url = route.url(organization_id=organization.public_id)
    status: int = api_client(who).generic(method, url).status_code
    return status


@pytest.mark.parametrize(
    "endpoint",
    sorted(key for key in MATRIX if "{organization_id}" in key and "/admin/" not in key),
)
def test_organization_of_others_does_not_exist(
    endpoint: str, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    route, method = ENDPOINTS[endpoint], endpoint.split(" ", 1)[0]
    reach_only(monkeypatch, route, method)

    assert call(route, method, make_member("owner"), OrganizationFactory()) == 404
