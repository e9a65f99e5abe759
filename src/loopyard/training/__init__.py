"""Training: a short loop with a time budget, exact resume and guards against bad numbers."""
