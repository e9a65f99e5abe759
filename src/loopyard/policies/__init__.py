"""Policies: observation in, action out, with the processing they were trained with inside."""
