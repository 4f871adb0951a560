"""What people are told about reviews."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

REVIEW_GIVEN: Final = NotificationKind(
    name="subscriptions.review_given",
    title=_("%(author)s gave %(name)s %(stars)s of 5 stars"),
    body="%(excerpt)s",
    action_label=_("Read and reply"),
)
REVIEW_REPLIED: Final = NotificationKind(
    name="subscriptions.review_replied",
    title=_("The provider of %(name)s replied to your review"),
    body="%(excerpt)s",
    action_label=_("Read the reply"),
)
REVIEW_HIDDEN: Final = NotificationKind(
    name="subscriptions.review_hidden",
    title=_("Your review of %(name)s was hidden"),
    body=_("The marketplace's moderators gave this reason: %(reason)s"),
    tone="warn",
    is_important=True,
    action_label=_("Open the API"),
)
REVIEW_RESTORED: Final = NotificationKind(
    name="subscriptions.review_restored",
    title=_("Your review of %(name)s is shown again"),
    tone="ok",
    action_label=_("Open the API"),
)

ALL: Final = (REVIEW_GIVEN, REVIEW_REPLIED, REVIEW_HIDDEN, REVIEW_RESTORED)
