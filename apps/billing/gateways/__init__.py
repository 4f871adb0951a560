"""Doors to payment providers, in our words. Nothing else in the product imports a provider's SDK."""
