"""Calls added up by hour and by day, with latency sketches: what analytics read instead of single calls.

Source: docs/domain/analytics.md.
"""
