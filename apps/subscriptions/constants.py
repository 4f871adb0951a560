"""Numbers of this app."""

from __future__ import annotations

from typing import Final

# What the approval engine calls a subscription that its provider decides on.
ACCESS_SUBJECT: Final = "subscriptions.access"
# Days before the end of a trial, of a fixed term, and of a period of a year or more, on which its consumer is told.
TRIAL_NOTICE_DAYS: Final = (3, 1)
TERM_NOTICE_DAYS: Final = (30, 7, 1)
RENEWAL_NOTICE_DAYS: Final = (30,)
STARS: Final = (1, 2, 3, 4, 5)
TITLE_LENGTH: Final = 120
BODY_LENGTH: Final = 4000
REASON_LENGTH: Final = 500
# What a list of reviews can be sorted by.
REVIEW_ORDERS: Final = {
    "newest": ("-id",),
    "oldest": ("id",),
    "highest": ("-stars", "-id"),
    "lowest": ("stars", "-id"),
}
