"""`vla-nano`: a small network that looks where an instruction tells it to."""
