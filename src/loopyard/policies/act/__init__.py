"""`act`: Action Chunking Transformer with LeRobot's parameter names, without its dependencies."""
