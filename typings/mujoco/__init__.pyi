# MuJoCo's classes and functions live in compiled modules without stubs, which a type checker
# cannot see: everything of it is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
