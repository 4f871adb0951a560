"""The platform's own plans: what an organization may do here, read from a file, kept for a moment in Valkey.

Source: docs/domain/platform-plans.md.
"""
