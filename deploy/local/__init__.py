"""Runs Tollgate on one machine: virtual environment, servers from wheels, supervisor, checks.

Only the standard library is imported until the virtual environment exists, so that
`python3 -m deploy.local run` works on a machine that has Python and nothing else.
"""
