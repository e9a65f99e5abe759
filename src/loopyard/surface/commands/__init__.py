"""One module a command; each has ``Options`` (a dataclass) and ``run(options, console) -> int``."""
