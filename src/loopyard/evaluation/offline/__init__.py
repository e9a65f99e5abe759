"""Offline evaluation: what recorded episodes say of a policy, and whether to believe it."""
