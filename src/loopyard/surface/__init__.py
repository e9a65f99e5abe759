"""What a person meets: the command line, the console, the report."""
