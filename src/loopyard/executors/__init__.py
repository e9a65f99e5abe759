"""Run many small jobs somewhere: worker processes of this machine."""
