"""The README's commands: `python tests/readme.py NAME` prints a set-up command, for those who run it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = (README, ROOT / "CONTRIBUTING.md")


def command(name: str) -> str:
    """Return the block under `<!-- command: NAME -->`."""
    return blocks(f"command: {name}")[0]


def blocks(marker: str) -> list[str]:
    """Return the fenced shell blocks under a marker."""
    return re.findall(
        rf"<!-- {re.escape(marker)} -->\n```bash\n(.*?)\n```", README.read_text(encoding="utf-8"), re.DOTALL
    )


def commands() -> list[str]:
    """Return every command of benchbox that the documents show, in blocks, transcripts and sentences.

    In a sentence STUDY and JOB stand for any; here for the smoke study and its first job.
    """
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        fenced = "\n".join(re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        indented = "\n".join(re.findall(r"^    (?:\$ )?(benchbox .*)$", text, re.MULTILINE))
        found += re.findall(r"^(benchbox [^#\n]*?)\s*(?:#.*)?$", f"{fenced}\n{indented}", re.MULTILINE)
        within = re.findall(r"`(benchbox [^`]*(?: -|\.|STUDY|JOB)[^`]*)`", text)
        found += [one.replace("STUDY", "ablations/smoke.toml").replace("JOB", "5c60") for one in within]
    return sorted(set(found))


def shown(part: str) -> str:
    """Return the only command that the documents show with such a part."""
    (line,) = [line for line in commands() if part in line]
    return line


def python() -> list[str]:
    """Return the fenced Python blocks under `<!-- python -->`."""
    return re.findall(r"<!-- python -->\n```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def json_keys() -> dict[str, tuple[set[str], set[str]]]:
    """Return what the README says of the JSON of each kind: the keys beside the rows, and those of a row."""
    table = README.read_text(encoding="utf-8").split("<!-- json -->\n", 1)[1].split("\n\n", 1)[0]
    found = {}
    for line in table.splitlines()[2:]:
        cells = (re.sub("and instead of rows:|and the columns of.*", "", cell) for cell in line.split("|")[1:4])
        kind, beside, row = cells
        found[re.findall("`([^`]*)`", kind)[0]] = ({*re.findall(r"\w+", beside)}, {*re.findall(r"\w+", row)})
    return found


def undocumented(answer: dict[str, Any]) -> set[str]:
    """Return the keys in which a verb's JSON and what the README says of it differ; those of rows as far as any is."""
    beside, row = json_keys()[answer["kind"]]
    usual = {"schema", "kind"} | ({"title", "rows", "footnotes"} if answer["kind"] != "paper-tables" else set())
    found = {key for one in answer.get("rows", ()) for key in one}
    return (answer.keys() ^ (beside | usual)) | (found ^ row if found else set())


def tree() -> list[str]:
    """Return the paths that the README's tree names."""
    text = README.read_text(encoding="utf-8").split("<!-- tree -->\n", 1)[1].split("\n\n", 1)[0]
    paths, parent = [], ""
    for line in text.splitlines():
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        parent = name if indent == 4 else parent
        paths.append(name if indent == 4 else parent + name)
    return paths


if __name__ == "__main__":
    print(command(sys.argv[1]))
