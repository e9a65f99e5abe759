"""What proves a policy that is told what to do: what it does, and what it does when told else."""
