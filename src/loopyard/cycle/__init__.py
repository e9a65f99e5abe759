"""The loop: budget, plan, cycles of training and DAgger, under one clock."""
