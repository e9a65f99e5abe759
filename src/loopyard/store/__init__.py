"""What must survive a crash: atomic files and folders, manifests, the event log, free space."""
