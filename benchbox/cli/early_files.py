"""Look at files and places that a verb was given before anything heavy is loaded for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchbox.catalogue import CATALOGUE
from benchbox.cli.places import data_root
from benchbox.errors import EnvironmentProblem, InvalidInput, nearest

_JOINTS = {"mpii": 16, "lsp": 14, "lspet": 14}
_ARRAYS = (".mat", ".h5", ".hdf5", ".json")
_SPACES = b" \t\r\n\xef\xbb\xbf"
_OTHER_SPLITS = {"coco": ("train2014", "val2014")}
_HDF5 = b"\x89HDF"
_MOST = 10_000
_MOST_OF_AN_IMAGE = 50_000_000
_MOST_READ = 2_000_000
"""Bytes of predictions that are looked at whole; the worker reads what is larger."""


def file(path: Path) -> None:
    """Look for a file.

    Raises: InvalidInput with the nearest of its kind.
    """
    if path.is_dir():
        raise InvalidInput(f"{path}: is a folder; give the path of a file")
    if not path.exists():
        beside = [str(one) for one in path.parent.glob(f"*{path.suffix}") if one.is_file()] if path.suffix else []
        raise InvalidInput(f"{path}: no such file{nearest(str(path), beside)}" + ("" if beside else "; give its path"))


def data_root_set(dataset: str) -> None:
    """See that a data root is named at all, where a data set's ground truth is wanted of it.

    Raises: EnvironmentProblem.
    """
    name = dataset.partition(":")[0]
    if data_root() is None:
        what = CATALOGUE[name].layout
        raise EnvironmentProblem(
            f"{name}: BENCHBOX_DATA is not set; point it at the folder that holds {what}, or give --truth FILE"
        )


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


def image(path: Path) -> None:
    """Look for an image, and whether it begins as one.

    Raises: InvalidInput.
    """
    from benchbox.image_header import is_text, is_truncated

    file(path)
    if is_text(path):
        raise InvalidInput(f"{path}: not an image; give a JPEG or PNG, e.g. photo.jpg")
    if path.stat().st_size <= _MOST_OF_AN_IMAGE and is_truncated(path.read_bytes()):
        raise InvalidInput(f"{path}: a truncated image: it ends before its end mark; give a whole one")


def predictions(path: Path, dataset: str) -> None:
    """Look for predictions of others, and at what they begin with.

    Raises: InvalidInput for what cannot be predictions of this data set.
    """
    from benchbox.files import refuse_special

    file(path)
    refuse_special(path)
    name = dataset.partition(":")[0]
    if name in _JOINTS and path.suffix.lower() not in _ARRAYS:
        raise InvalidInput(f"{path}: predictions of {name} come as .mat, .h5 or .json; give one of them")
    with path.open("rb") as content:
        start = content.read(_MOST).lstrip(_SPACES)
    if name in _JOINTS and len(_coco_points(start)) == 3 * 17:
        raise InvalidInput(
            f"{path}: a COCO result file of 17 joints; {name} has {_JOINTS[name]}; did you mean --dataset coco?"
        )
    if name == "coco" and path.suffix.lower() in (".mat", ".h5", ".hdf5"):
        raise InvalidInput(f"{path}: predictions for coco come as JSON; did you mean --dataset mpii?")
    if path.suffix.lower() in (".h5", ".hdf5") and not start.startswith(_HDF5):
        raise InvalidInput(f"{path}: not an HDF5 file; give predictions of {name} as .mat, .h5 or .json")
    if path.stat().st_size <= _MOST_READ:
        _content(path, name)


def _content(path: Path, name: str) -> None:
    """Read what is quickly read, so that nothing heavy is loaded for a file that is wrong."""
    from benchbox import mat_header
    from benchbox.prediction_lists import preferred, read_lists, read_results

    if name == "coco":
        read_results(path)
    elif path.suffix.lower() == ".mat":
        content = path.read_bytes()
        mat_header.refuse_other(content, path)
        shapes = mat_header.shapes(content)
        shape = preferred(shapes, path) if shapes else ()
        if shape and 0 not in shape and _JOINTS[name] not in shape:
            raise InvalidInput(f"{path}: an array of {shape}; {name} has {_JOINTS[name]} joints; give others")
    elif path.suffix.lower() == ".json":
        joints = len(read_lists(path)[0])
        if joints != _JOINTS[name]:
            raise InvalidInput(f"{path}: people with {joints} joints; {name} has {_JOINTS[name]}; give others")


def _coco_points(start: bytes) -> list[Any]:
    """Return the numbers of the first of COCO's results; none where a file does not begin with one."""
    try:
        first, _ = json.JSONDecoder().raw_decode(start.decode("utf-8", "ignore").removeprefix("[").lstrip())
    except (ValueError, RecursionError):
        return []
    found = first.get("keypoints") if isinstance(first, dict) and "image_id" in first else None
    return found if isinstance(found, list) else []


def split(named: str, shown: str) -> None:
    """Look for the split of NAME:SPLIT: an official one, or one whose annotations are there.

    Args: shown: how the user wrote it.

    Raises: InvalidInput with the nearest.
    """
    name, _, word = named.partition(":")
    entry, data = CATALOGUE.get(name), data_root()
    if not word or entry is None or word in entry.people:
        return
    own = data / (entry.split_file.format(word) or f"{name}/splits.json") if data else None
    if (own is None or not own.is_file()) and word in _OTHER_SPLITS.get(name, ()):
        step = "put it there" if shown == named else "put it there, or score with --truth FILE"
        where = f"{own}: no such file" if own else f"BENCHBOX_DATA is not set; it holds {entry.split_file.format(word)}"
        raise EnvironmentProblem(f"{shown}: {where}; {step}")
    if own is None or not own.is_file():
        raise InvalidInput(f"{shown}: unknown split {word}{nearest(word, entry.people)}")


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
