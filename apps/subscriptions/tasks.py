"""Scheduled work of this app."""

from __future__ import annotations

from datetime import timedelta

from apps.core.actors import Actor
from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule
from apps.subscriptions import services
from apps.subscriptions.api_tiers import refresh_api_tiers


@job("subscriptions.end_due_trials")
def end_due_trials(_context: JobContext) -> dict[str, int]:
    """End trials that are over: in paid service, or for good."""
    actor = Actor.system("subscriptions.end_due_trials")
    return {"ended": services.end_due_trials(actor=actor)}


@job("subscriptions.announce_trial_ends")
def announce_trial_ends(_context: JobContext) -> dict[str, int]:
    """Tell consumers whose trial ends within days."""
    actor = Actor.system("subscriptions.announce_trial_ends")
    return {"told": services.announce_trial_ends(actor=actor)}


@job("subscriptions.renew_due_terms")
def renew_due_terms(_context: JobContext) -> dict[str, int]:
    """Begin the next term where one is over and another follows."""
    return {
        "renewed": services.renew_due_terms(actor=Actor.system("subscriptions.renew_due_terms"))
    }


@job("subscriptions.announce_term_ends")
def announce_term_ends(_context: JobContext) -> dict[str, int]:
    """Tell consumers whose fixed term ends within days."""
    actor = Actor.system("subscriptions.announce_term_ends")
    return {"told": services.announce_term_ends(actor=actor)}


@job("subscriptions.apply_due_changes")
def apply_due_changes(_context: JobContext) -> dict[str, int]:
    """Carry out changes of plan whose day has come."""
    actor = Actor.system("subscriptions.apply_due_changes")
    return {"applied": services.apply_due_changes(actor=actor)}


@job("subscriptions.end_due_subscriptions")
def end_due_subscriptions(_context: JobContext) -> dict[str, int]:
    """End subscriptions whose scheduled end has come."""
    actor = Actor.system("subscriptions.end_due_subscriptions")
    return {"ended": services.end_due_subscriptions(actor=actor)}


@job("subscriptions.end_closed_plans")
def end_closed_plans(_context: JobContext) -> dict[str, int]:
    """Schedule the end of subscriptions whose plan was closed, such as one that began while it was."""
    actor = Actor.system("subscriptions.end_closed_plans")
    return {"scheduled": services.end_subscriptions_of_closed_plans(actor=actor)}


@job("subscriptions.plan_moves")
def plan_moves(_context: JobContext) -> dict[str, int]:
    """Plan the steps of subscribers whose provider moves them to a newer version, and finish moves that are through."""
    return services.plan_moves(actor=Actor.system("subscriptions.plan_moves"))


@job("subscriptions.apply_due_moves")
def apply_due_moves(_context: JobContext) -> dict[str, int]:
    """Move subscriptions to a newer version whose day has come."""
    return {"moved": services.apply_due_moves(actor=Actor.system("subscriptions.apply_due_moves"))}


@job("subscriptions.refresh_api_tiers")
def refresh_every_api_tier(_context: JobContext) -> dict[str, int]:
    """Bring the tiers of the platform's own limits to what plans are worth now."""
    return {"changed": refresh_api_tiers()}


schedule("subscriptions.end_due_trials", every=timedelta(minutes=5))
schedule("subscriptions.announce_trial_ends", every=timedelta(hours=1))
schedule("subscriptions.renew_due_terms", every=timedelta(minutes=5))
schedule("subscriptions.announce_term_ends", every=timedelta(hours=1))
schedule("subscriptions.apply_due_changes", every=timedelta(minutes=1))
schedule("subscriptions.end_due_subscriptions", every=timedelta(minutes=5))
schedule("subscriptions.end_closed_plans", every=timedelta(hours=1))
schedule("subscriptions.plan_moves", every=timedelta(minutes=15))
schedule("subscriptions.apply_due_moves", every=timedelta(minutes=1))
schedule("subscriptions.refresh_api_tiers", every=timedelta(hours=1))
