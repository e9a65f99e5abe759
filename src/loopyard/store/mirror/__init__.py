"""A copy of a run folder in an object store: blobs by sha256, manifests, and pointers to them."""
