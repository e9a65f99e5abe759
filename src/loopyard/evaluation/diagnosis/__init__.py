"""Why a rollout failed: its class F1 to F6, named patterns, and the evidence for each."""
