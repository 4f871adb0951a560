"""How Tollgate is run: locally, in containers and in production."""
