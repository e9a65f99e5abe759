"""What `loopyard doctor` looks at, one thing a file."""
