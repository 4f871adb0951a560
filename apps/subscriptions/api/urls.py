"""REST routes of this app, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.subscriptions.api import change_views as changes
from apps.subscriptions.api import move_views, term_views, views, zone_views
from apps.subscriptions.api import promotion_views as promotions
from apps.subscriptions.api import review_views as reviews

ONE = "subscriptions/<str:subscription_id>"
PROVIDED = "provider/subscriptions/<str:subscription_id>"
LISTED = "marketplace/apis/<slug:slug>/reviews"
RECEIVED = "provider/apis/<str:api_id>/reviews"
MODERATED = "admin/reviews/<str:review_id>"

MOVES = "provider/plans/<str:plan_id>/moves"

urlpatterns: list[URLPattern | URLResolver] = [
    path(MOVES, move_views.PlanMovesView.as_view(), name="plan-move-list"),
    path(f"{MOVES}/<str:move_id>", move_views.PlanMoveView.as_view(), name="plan-move"),
    path(
        f"{MOVES}/<str:move_id>/call-off",
        move_views.CallOffMoveView.as_view(),
        name="plan-move-call-off",
    ),
    path(
        "subscriptions/<str:subscription_id>/move",
        move_views.ComingMoveView.as_view(),
        name="subscription-move",
    ),
    path("subscriptions", views.SubscriptionsView.as_view(), name="subscription-list"),
    path(
        "subscriptions/time-zone-preview",
        zone_views.ZonePreviewView.as_view(),
        name="time-zone-preview",
    ),
    path(ONE, views.SubscriptionView.as_view(), name="subscription"),
    path(f"{ONE}/changes", views.ChangesView.as_view(), name="subscription-changes"),
    path(
        f"{ONE}/change-preview",
        changes.ChangePreviewView.as_view(),
        name="subscription-change-preview",
    ),
    path(f"{ONE}/change", changes.PlanChangeView.as_view(), name="subscription-change"),
    path(
        f"{ONE}/cancel-quote",
        changes.CancelQuoteView.as_view(),
        name="subscription-cancel-quote",
    ),
    path(f"{ONE}/cancel", views.CancelView.as_view(), name="subscription-cancel"),
    path(f"{ONE}/answer", views.AnswerView.as_view(), name="subscription-answer"),
    path(f"{ONE}/keep", views.KeepView.as_view(), name="subscription-keep"),
    path(f"{ONE}/auto-renew", term_views.AutoRenewView.as_view(), name="subscription-auto-renew"),
    path(f"{ONE}/start-paid", views.StartPaidView.as_view(), name="subscription-start-paid"),
    path(f"{ONE}/pause", views.PauseView.as_view(), name="subscription-pause"),
    path(f"{ONE}/resume", views.ResumeView.as_view(), name="subscription-resume"),
    path(
        f"{ONE}/promotions",
        promotions.SubscriptionPromotionsView.as_view(),
        name="subscription-promotions",
    ),
    path(
        f"{ONE}/promotions/<str:redemption_id>",
        promotions.SubscriptionPromotionView.as_view(),
        name="subscription-promotion",
    ),
    path(
        "pricing/promotions/validate",
        promotions.ValidatePromotionView.as_view(),
        name="promotion-validate",
    ),
    path("provider/subscriptions", views.SubscribersView.as_view(), name="subscriber-list"),
    path(PROVIDED, views.SubscriberView.as_view(), name="subscriber"),
    path(f"{PROVIDED}/changes", changes.SubscriberChangesView.as_view(), name="subscriber-changes"),
    path(f"{PROVIDED}/accept", views.AcceptView.as_view(), name="subscriber-accept"),
    path(f"{PROVIDED}/ask", views.AskSubscriberView.as_view(), name="subscriber-ask"),
    path(f"{PROVIDED}/decline", views.DeclineView.as_view(), name="subscriber-decline"),
    path(f"{PROVIDED}/suspend", views.SuspendSubscriberView.as_view(), name="subscriber-suspend"),
    path(f"{PROVIDED}/resume", views.ResumeSubscriberView.as_view(), name="subscriber-resume"),
    path(LISTED, reviews.ReviewsView.as_view(), name="review-list"),
    path(f"{LISTED}/summary", reviews.RatingSummaryView.as_view(), name="review-summary"),
    path(f"{LISTED}/mine", reviews.OwnReviewView.as_view(), name="review-own"),
    path(
        f"{LISTED}/<str:review_id>/report",
        reviews.ReportReviewView.as_view(),
        name="review-report",
    ),
    path(RECEIVED, reviews.ReceivedReviewsView.as_view(), name="received-review-list"),
    path(f"{RECEIVED}/<str:review_id>/reply", reviews.ReplyView.as_view(), name="review-reply"),
    path("admin/reviews", reviews.ModeratedReviewsView.as_view(), name="moderated-review-list"),
    path(f"{MODERATED}/hide", reviews.HideReviewView.as_view(), name="review-hide"),
    path(f"{MODERATED}/restore", reviews.RestoreReviewView.as_view(), name="review-restore"),
    path(f"{MODERATED}/dismiss", reviews.DismissReportsView.as_view(), name="review-dismiss"),
]
