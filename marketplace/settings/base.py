"""Everything that all environments share, a module per subject. Environment variables are read through `env` only."""

from __future__ import annotations

from marketplace.settings.accounts import *  # noqa: F403
from marketplace.settings.applications import *  # noqa: F403
from marketplace.settings.database import *  # noqa: F403
from marketplace.settings.files import *  # noqa: F403
from marketplace.settings.gateway import *  # noqa: F403
from marketplace.settings.jobs import *  # noqa: F403
from marketplace.settings.language import *  # noqa: F403
from marketplace.settings.mail import *  # noqa: F403
from marketplace.settings.observability import *  # noqa: F403
from marketplace.settings.payments import *  # noqa: F403
from marketplace.settings.pricing import *  # noqa: F403
from marketplace.settings.product import *  # noqa: F403
from marketplace.settings.rest import *  # noqa: F403
from marketplace.settings.security import *  # noqa: F403
from marketplace.settings.usage import *  # noqa: F403
from marketplace.settings.valkey import *  # noqa: F403
