"""The README's commands: `python tests/readme.py NAME` prints a set-up command, for those who run it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def command(name: str) -> str:
    """Return the block under `<!-- command: NAME -->`."""
    return blocks(f"command: {name}")[0]


def blocks(marker: str) -> list[str]:
    """Return the fenced shell blocks under a marker."""
    return re.findall(
        rf"<!-- {re.escape(marker)} -->\n```bash\n(.*?)\n```", README.read_text(encoding="utf-8"), re.DOTALL
    )


def python() -> list[str]:
    """Return the fenced Python blocks under `<!-- python -->`."""
    return re.findall(r"<!-- python -->\n```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


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
