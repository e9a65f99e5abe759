"""The plan: what things cost on this machine, what fits the time, and what it is granted."""
