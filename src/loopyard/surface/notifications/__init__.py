"""Messages on their way out: Discord and Slack, beside a run that never waits for them."""
