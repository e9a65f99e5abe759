"""What a campaign took and cost: when its steps ran, how busy the machine was, what would help."""
