"""A page with a picture of each failure mode, as one folder that opens offline."""
