"""PostgreSQL, nothing else."""

from __future__ import annotations

from marketplace.settings.env import env_database, env_int
from marketplace.settings.product import NODE_NAME

DATABASES = {"default": env_database("DATABASE_URL")}
DATABASES["default"].update(
    {
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0,
        # It asks a connection of the pool whether it still lives before it lends it: without that, a
        # restart of PostgreSQL fails one request per connection that lay in the pool.
        "ENGINE": "apps.core.postgresql",
        # The pool's own way to ask makes a request wait for seconds.
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {
            "pool": {
                "min_size": 1,
                "max_size": env_int("DATABASE_POOL_SIZE", 8, minimum=1),
                "timeout": 10,
            },
            "application_name": f"tollgate-{NODE_NAME}",
        },
    }
)
# One generated migration of ours instead of the package's, whose second step alone takes 40 s.
MIGRATION_MODULES = {"djstripe": "marketplace.djstripe_migrations"}
