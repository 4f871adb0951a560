"""Writes of subscriptions: how they start, and how they move on."""

from apps.subscriptions.services.access import (
    accept_subscription,
    answer_provider,
    ask_subscriber,
    decline_subscription,
)
from apps.subscriptions.services.allowances import (
    remove_spend_cap,
    set_spend_cap,
    top_up_quota,
)
from apps.subscriptions.services.cancelling import (
    cancel_at_period_end,
    cancel_subscription,
    end_due_subscriptions,
    withdraw_cancellation,
)
from apps.subscriptions.services.changing import ChangeWish, change_plan, preview_change
from apps.subscriptions.services.closing import end_subscriptions_of_closed_plans
from apps.subscriptions.services.moderation import (
    dismiss_reports,
    hide_review,
    report_review,
    restore_review,
)
from apps.subscriptions.services.moving import (
    expire_subscription,
    mark_paid_up,
    mark_past_due,
    pause_subscription,
    resume_subscription,
    suspend_subscription,
    unpause_subscription,
)
from apps.subscriptions.services.noticing import announce_once
from apps.subscriptions.services.plan_moves import (
    apply_due_move,
    apply_due_moves,
    call_off_move,
    move_subscribers,
    plan_moves,
)
from apps.subscriptions.services.planned_changes import (
    apply_due_change,
    apply_due_changes,
    drop_planned_change,
    withdraw_planned_change,
)
from apps.subscriptions.services.promotions import redeem_promotion, withdraw_redemption
from apps.subscriptions.services.reviews import (
    Opinion,
    SavedReview,
    delete_review,
    reply_to_review,
    save_review,
)
from apps.subscriptions.services.starting import (
    end_declined_subscription,
    start_accepted_subscription,
    subscribe,
)
from apps.subscriptions.services.terms import (
    announce_term_ends,
    renew_due_terms,
    set_auto_renew,
)
from apps.subscriptions.services.trials import (
    announce_trial_ends,
    convert_trial,
    end_due_trials,
)
from apps.subscriptions.services.zones import follow_time_zone, preview_zone_move

__all__ = [
    "ChangeWish",
    "Opinion",
    "SavedReview",
    "accept_subscription",
    "announce_once",
    "announce_term_ends",
    "announce_trial_ends",
    "answer_provider",
    "apply_due_change",
    "apply_due_changes",
    "apply_due_move",
    "apply_due_moves",
    "ask_subscriber",
    "call_off_move",
    "cancel_at_period_end",
    "cancel_subscription",
    "change_plan",
    "convert_trial",
    "decline_subscription",
    "delete_review",
    "dismiss_reports",
    "drop_planned_change",
    "end_declined_subscription",
    "end_due_subscriptions",
    "end_due_trials",
    "end_subscriptions_of_closed_plans",
    "expire_subscription",
    "follow_time_zone",
    "hide_review",
    "mark_paid_up",
    "mark_past_due",
    "move_subscribers",
    "pause_subscription",
    "plan_moves",
    "preview_change",
    "preview_zone_move",
    "redeem_promotion",
    "remove_spend_cap",
    "renew_due_terms",
    "reply_to_review",
    "report_review",
    "restore_review",
    "resume_subscription",
    "save_review",
    "set_auto_renew",
    "set_spend_cap",
    "start_accepted_subscription",
    "subscribe",
    "suspend_subscription",
    "top_up_quota",
    "unpause_subscription",
    "withdraw_cancellation",
    "withdraw_planned_change",
    "withdraw_redemption",
]
