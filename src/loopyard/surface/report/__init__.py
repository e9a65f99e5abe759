"""The report of a run folder: one page that opens offline. `build.report` makes it."""
