"""Stripe."""

from __future__ import annotations

from marketplace.settings.env import env_text

STRIPE_API_BASE = env_text("STRIPE_API_BASE", "https://api.stripe.com")
STRIPE_CHECKOUT_ORIGIN = (
    "https://checkout.stripe.com"
    if STRIPE_API_BASE == "https://api.stripe.com"
    else STRIPE_API_BASE
)
STRIPE_SECRET_KEY = env_text("STRIPE_SECRET_KEY", "")
STRIPE_PUBLISHABLE_KEY = env_text("STRIPE_PUBLISHABLE_KEY", "")
STRIPE_WEBHOOK_SECRET = env_text("STRIPE_WEBHOOK_SECRET", "")
STRIPE_LIVE_MODE = STRIPE_SECRET_KEY.startswith("sk_live_")
if STRIPE_LIVE_MODE:
    STRIPE_LIVE_SECRET_KEY = STRIPE_SECRET_KEY
else:
    STRIPE_TEST_SECRET_KEY = STRIPE_SECRET_KEY or "sk_test_not_configured_0000000"
if STRIPE_API_BASE != "https://api.stripe.com":
    STRIPE_API_HOST = STRIPE_API_BASE
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_WEBHOOK_VALIDATION = "verify_signature"
