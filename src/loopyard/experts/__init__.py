"""Markov controllers that show the task, and the noise they are made to recover from."""
