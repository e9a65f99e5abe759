"""The corridor: a holonomic base passes boxes on the side that an instruction names."""
