"""Searches scenario parameters for scenes on which a policy fails, and where that begins."""
