"""What this installation is: its name, addresses and release."""

from __future__ import annotations

from pathlib import Path

from marketplace.settings.env import env_text

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = env_text("ENVIRONMENT", "development")
RELEASE = env_text("RELEASE", "0.1.0")
NODE_NAME = env_text("NODE_NAME", "1")
DEBUG = False

MARKETPLACE_NAME = env_text("MARKETPLACE_NAME", "Tollgate")
PUBLIC_URL = env_text("PUBLIC_URL", "http://localhost:8000").rstrip("/")
GATEWAY_URL = env_text("GATEWAY_URL", "http://localhost:8080").rstrip("/")
# What invoices say about the operator, beside MARKETPLACE_NAME and SUPPORT_EMAIL.
SELLER = {"address": env_text("SELLER_ADDRESS", ""), "tax_id": env_text("SELLER_TAX_ID", "")}
SUPPORT_EMAIL = env_text("SUPPORT_EMAIL", "support@localhost")
