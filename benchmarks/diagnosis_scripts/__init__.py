"""Drives that fail on purpose, each in one known way: what the diagnosis is judged by.

A script is a generator of actions over a `Stage`. It says itself whether it came to show what it is
meant to show (`Stage.shown`), by the world's truth and never by the diagnosis' signals.
"""
