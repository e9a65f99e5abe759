"""The words of the project as types: small, and without a heavy import."""
