"""A stateful Stripe on loopback, for development and tests.

It speaks Stripe's HTTP protocol and is held to the `stripe` SDK's own generated types: requests are
checked against `stripe.params`, responses against the annotations of the SDK's resource classes.
It takes test keys only, moves no money, and refuses to listen on anything but loopback.
"""
