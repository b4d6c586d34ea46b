"""Look at files and places that a verb was given before anything heavy is loaded for it."""

from __future__ import annotations

from pathlib import Path

from benchbox.errors import InvalidInput, nearest


def file(path: Path) -> None:
    """Look for a file.

    Raises: InvalidInput with the nearest of its kind.
    """
    if path.is_dir():
        raise InvalidInput(f"{path}: is a folder; give the path of a file")
    if not path.exists():
        beside = [str(one) for one in path.parent.glob(f"*{path.suffix}") if one.is_file()] if path.suffix else []
        raise InvalidInput(f"{path}: no such file{nearest(str(path), beside)}" + ("" if beside else "; give its path"))


def weights(path: Path) -> None:
    """Look for a file of weights, and at what it begins with: torch.save's archives and pickles, safetensors.

    Raises: InvalidInput.
    """
    from benchbox.files import refuse_special

    file(path)
    refuse_special(path)
    with path.open("rb") as content:
        start = content.read(9)
    if not (start.startswith((b"PK", b"\x80")) or start[8:] == b"{"):
        raise InvalidInput(
            f"{path}: not a file of weights: neither torch.save nor safetensors; see benchbox models check --help"
        )


def written_to(folder: Path, named: Path) -> None:
    """See that no file stands where a folder is to be.

    Args: named: what the user wrote after --out.

    Raises: InvalidInput.
    """
    for part in (folder, *folder.parents):
        if part.exists():
            if not part.is_dir():
                raise InvalidInput(f"--out {named}: {part} is a file, not a folder; give another place")
            return


def page(out: Path) -> None:
    """See that a file can be where a page is to be.

    Raises: InvalidInput for a folder there, or a file in a folder's place.
    """
    if out.is_dir():
        raise InvalidInput(f"--out {out}: is a folder; name a file, e.g. {out / 'report.html'}")
    written_to(out.parent, out)
