"""A TOML document with the line of every key, so that a mistake in it is answered where it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from benchbox.errors import InvalidInput, nearest
from benchbox.files import refuse_special

MAX_BYTES = 1_000_000
LONGEST_KEY = 100
Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A file's tables and the line (from 1) of every table header and key that it spells out."""

    path: Path
    values: dict[str, Any]
    lines: dict[Path_, int]

    def line(self, *where: str) -> int | None:
        """Return the line of the deepest part of a key path that the file spells out."""
        return next(
            (self.lines[where[:depth]] for depth in range(len(where), 0, -1) if where[:depth] in self.lines), None
        )

    def at(self, *where: str) -> str:
        """Return `file:line: ` for the deepest part of a key path that the file spells out."""
        line = self.line(*where)
        return f"{self.path}: " if line is None else f"{self.path}:{line}: "

    def check_schema(self, known: int) -> None:
        """Refuse a schema of another time.

        Raises: InvalidInput.
        """
        schema = self.values.get("schema")
        if isinstance(schema, int) and schema != known:
            raise InvalidInput(
                f"{self.path}:{self.line('schema') or 1}: schema: {schema} is not known here; known: {known}"
            )

    def mistake(
        self,
        problem: ValidationError,
        known: Iterable[str],
        needs: str,
        *section: str,
        examples: Mapping[str, str] = MappingProxyType({}),
    ) -> InvalidInput:
        """Return what is wrong with a table, as one line with the nearest key where one is unknown.

        Args: known: the table's keys. needs: what is said where one is missing. section: where the table stands.
            examples: lines that give a missing key.
        """
        error = min(problem.errors(), key=lambda found: found["type"] != "extra_forbidden")
        key = tuple(map(str, error["loc"]))
        where, name = self.at(*section, *key), ".".join(key)
        if error["type"] == "extra_forbidden":
            return InvalidInput(f"{where}{name}: unknown key{nearest(key[-1], known)}")
        if error["type"] == "missing":
            where = self.at(*section) if section else f"{self.path}: "
            example = f", e.g. {examples[name]}" if name in examples else ""
            return InvalidInput(f"{where}{name}: missing{example}; {needs}")
        return InvalidInput(f"{where}{name}: {error['msg'].removeprefix('Value error, ')}; got {short(error['input'])}")


def read_document(path: Path) -> Document:
    """Read a TOML file.

    Raises: InvalidInput with file and line.
    """
    text = _read_text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(problem))
        line = f":{found[1]}" if found else ""
        reason = re.sub(r" \(at .*", "", str(problem))
        if found and text.split("\n")[int(found[1]) - 1].startswith("<<<<<<< "):
            raise InvalidInput(f"{path}{line}: an unresolved merge conflict; keep one side of it") from None
        raise InvalidInput(f"{path}{line}: not valid TOML: {reason[:200]}") from None
    except ValueError as problem:  # a number of more digits than Python reads
        raise InvalidInput(f"{path}: not valid TOML: {str(problem).split(';')[0]}") from None
    except RecursionError:
        raise InvalidInput(f"{path}: nested too deeply") from None
    _refuse_long_keys(path, document)
    return Document(path, document, _line_index(text))


def _refuse_long_keys(path: Path, document: dict[str, Any]) -> None:
    """Keep keys that no message could spell from every reader of a document."""
    rest: list[Any] = [document]
    while rest:
        value = rest.pop()
        if isinstance(value, list):
            rest += value
        elif isinstance(value, dict):
            rest += value.values()
            if any(len(key) > LONGEST_KEY for key in value):
                key = max(value, key=len)
                raise InvalidInput(f"{path}: the key {short(key)} has {len(key):,} characters; no key has as many")


def _read_text(path: Path) -> str:
    try:
        if path.is_dir():
            raise InvalidInput(f"{path}: is a folder; give the study's TOML file")
        refuse_special(path)
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInput(f"{path}: over {MAX_BYTES:,} bytes; a study is a short text")
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        beside = [*sorted(path.parent.glob("*.toml")), *sorted(Path("ablations").glob("*.toml"))]
        near = {str(file) for file in beside if file.name != "pyproject.toml"}
        named = [file for file in sorted(near) if Path(file).stem == path.name]
        hint = f'; did you mean "{named[0]}"?' if named else nearest(str(path), near)
        raise InvalidInput(f"{path}: no such file{hint}") from None
    except UnicodeDecodeError as problem:
        raise InvalidInput(f"{path}: not UTF-8 text (byte {problem.start})") from None
    except OSError as problem:
        raise InvalidInput(f"{path}: cannot be read: {problem.strerror}") from None


def short(value: object) -> str:
    """Spell a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _line_index(text: str) -> dict[Path_, int]:
    """Find the line of every table header and key; multi-line values are stepped over by their brackets and quotes."""
    index: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    section: Path_ = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if depth == 0 and not quote:
            header = re.match(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$", line)
            if header:
                section = _keys(header[2])
                if header[1] == "[[":
                    counts[section] = counts.get(section, -1) + 1
                    section = (*section, str(counts[section]))
                elif len(section) > 1 and section[:1] in counts:
                    section = (section[0], str(counts[section[:1]]), *section[1:])
                index.setdefault(section, number)
                continue
            entry = re.match(
                r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=", line
            )
            if entry:
                index.setdefault((*section, *_keys(entry[1])), number)
        depth, quote = _open_brackets(line, depth, quote)
    return index


def _keys(dotted: str) -> Path_:
    parts = re.findall(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)", dotted)
    return tuple(part for groups in parts for part in ".".join(filter(None, groups)).split("."))


def _open_brackets(line: str, depth: int, quote: str) -> tuple[int, str]:
    for token in re.findall(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[\[\]{}]', line):
        if quote:
            quote = "" if token == quote else quote
        elif token in ('"""', "'''"):
            quote = token
        elif token in ("[", "{"):
            depth += 1
        elif token in ("]", "}"):
            depth = max(0, depth - 1)
        elif token.startswith("#"):
            break
    return depth, quote
