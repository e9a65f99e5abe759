"""The yard: a loader clears bricks into a box."""
