"""How well a policy drives: rollouts, their statistics, the gate, films and latency."""
