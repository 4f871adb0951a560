"""The demo's provider: an HTTP API about cities and currencies, as an upstream behind the gateway."""
