"""The table of grades, a CSV file that one grader at a time writes."""

import csv
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

COLUMNS = ("file", "exercise", "status", "diagnosis")

Row = tuple[str, str, str, str]


class Table:
    """The rows of each file, read from an earlier table and stored as a whole after each change.

    Within the block no other grader uses the table. It keeps its mode, and its place where a link leads to it.

    Raises:
        ValueError: the file is no table of grades, or another grader uses it.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path):
        self.named, self.path = path, Path(os.path.realpath(path))
        self.rows: dict[str, list[Row]] = {}

    def __enter__(self) -> "Table":
        if self.path.exists() and not self.path.is_file():
            raise ValueError(f"{self.named} is a folder or a device: name a file as --output.")
        self._file = _locked(self.path)
        if self._file is None:
            raise ValueError(f"Another grader is writing {self.named}: wait for its end, or name another --output.")
        try:
            for row in self._read():
                self.rows.setdefault(row[0], []).append(tuple(row))
            self.store()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def _read(self):
        """The rows; no more of a file is read than its first line, where that is not a table's."""
        self._file.seek(0)
        try:
            header = self._file.readline(200)
            if not header:
                return []
            rows = list(csv.reader(self._file)) if header.rstrip("\r\n") == ",".join(COLUMNS) else [()]
        except (ValueError, csv.Error):
            rows = [()]
        if any(len(row) != len(COLUMNS) for row in rows):
            columns = ", ".join(COLUMNS)
            raise ValueError(f"{self.named} exists and is no table of grades ({columns}): name another --output.")
        return rows

    def store(self) -> None:
        """Store the whole table: an interruption leaves the old one or the new one, never a part."""
        rows = (row for rows in self.rows.values() for row in rows)
        new = replaced(self.path, lambda file: csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows]))
        self._file.close()
        self._file = new


def replaced(path: Path, write: Callable[[TextIO], object], encoding: str = "utf-8-sig") -> TextIO:
    """Let ``write`` fill a file under another name, then put it in the place of ``path``; return it, locked.

    It keeps the owner and the mode of the file that it replaces; a new one is its owner's alone.
    """
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        new = _opened(unfinished, "x", 0o600, encoding)
        try:
            _lock(new)
            if path.exists():
                found = path.stat()
                with suppress(OSError):  # only root may give a file away
                    os.chown(unfinished, found.st_uid, found.st_gid)
                shutil.copymode(path, unfinished)
            write(new)
            new.flush()
            os.replace(unfinished, path)
        except BaseException:
            with suppress(OSError):  # what could not be written cannot be written now either
                new.close()
            raise
    finally:
        unfinished.unlink(missing_ok=True)
    return new


def _opened(path, mode, rights=0o666, encoding="utf-8-sig"):
    """A text file that only its owner may read before it has its final mode; the mark tells spreadsheets of UTF-8."""
    return open(path, mode, encoding=encoding, newline="", opener=lambda name, flags: os.open(name, flags, rights))


def _lock(file):
    import fcntl  # here, since Windows has none

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _locked(path):
    """The file, opened, and locked until it is closed; None if another program holds it."""
    while True:
        file = _opened(path, "a+")
        try:
            _lock(file)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):  # else another grader has just replaced it
                return file
        except BlockingIOError:
            file.close()
            return None
        file.close()
