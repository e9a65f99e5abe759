"""`act-nano`: an action-chunking network that two CPU cores train in minutes."""
