"""A small SQLite file with one writer at a time, each change durable before its call returns."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

from loopyard.core.errors import StoreError, expected
from loopyard.store.space import naming_full_disk

BUSY_S = 10.0
"""How long one who reads or writes waits for another who writes."""
FULL_SYNCHRONOUS = 2


class Database:
    """Write-ahead log, synchronous FULL; threads may share it.

    A kind of database says the ``schema`` it reads and writes, and the SQL that makes its
    ``tables`` where the file is new.

    Raises:
        StoreError: the file is none of this kind and version, or cannot be written.
        NoSpaceError: the disk is full; nothing was changed.
    """

    schema: ClassVar[int] = 1
    tables: ClassVar[str]

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._named_errors():
            self._db = sqlite3.connect(
                self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _open(self) -> None:
        version = self._pragma("user_version")
        if version not in (0, self.schema):
            raise StoreError(expected(str(self.path), "schema", version, self.schema))
        self._pragma("journal_mode=WAL")
        self._pragma("synchronous=FULL")
        if self._pragma("synchronous") != FULL_SYNCHRONOUS:
            raise StoreError(f"{self.path}: SQLite will not make its writes durable here")
        if version == 0:
            self._db.executescript(
                f"BEGIN IMMEDIATE;{self.tables}PRAGMA user_version = {self.schema};COMMIT;"
            )

    def _pragma(self, text: str) -> Any:
        row = self._db.execute(f"PRAGMA {text}").fetchone()
        return row[0] if row else None

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock, self._named_errors():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all that the block writes, or nothing where it raises."""
        with self._lock, self._named_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            with naming_full_disk(self.path):
                yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error
