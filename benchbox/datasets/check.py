"""Check a data set on disk: is all of it there, whole, and does it make sense? One report per split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchbox.datasets import coco, lsp, mpii
from benchbox.datasets.findings import Report, gathered
from benchbox.datasets.image_files import ImageFile, file_problems, look_at
from benchbox.datasets.people_checks import entry_problems, joint_counts, joint_problems, side_counts, side_problems
from benchbox.errors import InvalidInput
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17, LSP14, MPII16, Skeleton

UNREADABLE = "annotations"
"""Kind of the finding that holds the one line of a reader that could not go on."""


def check_coco(root: Path, split: str) -> Report:
    """Check a split in COCO's layout, the embedded data included: every image, and the field's detections.

    Args:
        root: folder of the data set.
        split: name of the split.

    Raises:
        EnvironmentProblem: the annotations or the folder of the images are not there.
    """
    fingerprint = coco.fingerprint(root, split)
    try:
        document = coco.read_document(root, split)
    except InvalidInput as problem:
        return Report("coco", split, fingerprint, {}, gathered([(UNREADABLE, str(problem))]))
    files = _looked_at(image.path for image in document.images.values())
    problems = [*_names_twice(document), *file_problems(files), *_other_sizes(document, files)]
    if document.joints and document.joints != COCO17.joints:
        problems.append(("joint order", f"the category's keypoints are {', '.join(document.joints)}"))
    people: list[Person] = []
    try:
        people = coco.labelled(document)
        problems += entry_problems(document)
    except InvalidInput as problem:
        problems.append((UNREADABLE, str(problem)))
    boxes: list[Person] = []
    file = Path(root) / coco.DETECTIONS.format(split=split)
    if file.exists():
        try:
            boxes = coco.detected(document, file)
        except InvalidInput as problem:
            problems.append(("detector's boxes", str(problem)))
    entries = [entry for entry in document.annotations if isinstance(entry, dict)]
    crowds = sum(bool(entry.get("iscrowd", 0)) for entry in entries)
    counts = {"annotations": len(document.annotations), "crowds": crowds}
    if boxes:
        covered = {person.image_id for person in boxes}
        counts |= {"detector's boxes": len(boxes), "images with such boxes": len(covered)}
    annotated = {image.path: (image.width, image.height) for image in document.images.values()}
    return _report("coco", split, fingerprint, counts, problems, files, people, COCO17, annotated)


def check_mpii(root: Path, split: str) -> Report:
    """Check a split in HRNet's layout of MPII; every image is decoded.

    Args:
        root: folder of the data set.
        split: name of the split.

    Raises:
        EnvironmentProblem: the annotations or the folder of the images are not there.
    """
    fingerprint = mpii.fingerprint(root, split)
    try:
        people = mpii.read_people(root, split)
    except InvalidInput as problem:
        return Report("mpii", split, fingerprint, {}, gathered([(UNREADABLE, str(problem))]))
    files = _looked_at(person.image for person in people)
    counts = {
        "persons without a head size": int(np.isnan([person.head_size for person in people]).sum()),
        "persons without an activity": sum(not person.activity for person in people),
    }
    return _report("mpii", split, fingerprint, counts, list(file_problems(files)), files, people, MPII16, {})


def check_lsp(root: Path, split: str) -> Report:
    """Check a split of LSP or LSP-extended; every image is decoded.

    Where splits.json tells the images, the data set may be a sample: those not there are counted. Else they are
    findings.

    Args:
        root: folder of the data set.
        split: name of the split.

    Raises:
        EnvironmentProblem: joints.mat, the folder of the images, or every image of the split is not there.
    """
    fingerprint = lsp.fingerprint(root)
    try:
        listed = lsp.read_annotations(root, split).images
        people = lsp.read_people(root, split)
    except InvalidInput as problem:
        return Report("lsp", split, fingerprint, {}, gathered([(UNREADABLE, str(problem))]))
    is_sample = len(lsp.annotation_files(root)) > 1
    files = _looked_at(path for path in listed if path.is_file() or not is_sample)
    counts = {"images listed": len(listed)}
    return _report("lsp", split, fingerprint, counts, list(file_problems(files)), files, people, LSP14, {})


def checker(
    name: str, read_people: Callable[[Path, str], list[Person]], skeleton: Skeleton
) -> Callable[[Path, str], Report]:
    """Return what checks the splits of a data set of which no more is to be said than its reader yields.

    Args:
        name: of the data set.
        read_people: reads a split of it.
        skeleton: its joints.
    """

    def check(root: Path, split: str) -> Report:
        try:
            people = read_people(root, split)
        except InvalidInput as problem:
            return Report(name, split, "", {}, gathered([(UNREADABLE, str(problem))]))
        files = _looked_at(person.image for person in people)
        return _report(name, split, "", {}, list(file_problems(files)), files, people, skeleton, {})

    return check


CHECKS: dict[str, Callable[[Path, str], Report]] = {"coco": check_coco, "mpii": check_mpii, "lsp": check_lsp}


def _report(
    dataset: str,
    split: str,
    fingerprint: str,
    counts: dict[str, int],
    problems: list[tuple[str, str]],
    files: Sequence[ImageFile],
    people: Sequence[Person],
    skeleton: Skeleton,
    annotated: Mapping[Path, tuple[float, float]],
) -> Report:
    """Add what all data sets have in common; an image's own size goes before the annotated one."""
    sizes = {**annotated, **{file.path: file.size for file in files if file.size}}
    everything: dict[str, float] = {
        "images": len(files),
        **counts,
        **joint_counts(people, sizes),
        **side_counts(people, skeleton),
    }
    problems = [*problems, *joint_problems(people, sizes), *side_problems(people, skeleton)]
    return Report(dataset, split, fingerprint, everything, gathered(problems))


def _looked_at(paths: Iterator[Path]) -> list[ImageFile]:
    """Look at every file once, in order."""
    return [look_at(path) for path in dict.fromkeys(paths)]


def _names_twice(document: coco.Document) -> Iterator[tuple[str, str]]:
    """Yield images that stand under two ids."""
    first: dict[Path, int] = {}
    for number, image in document.images.items():
        if first.setdefault(image.path, number) != number:
            yield "image twice", f"images {first[image.path]} and {number} are both {image.path.name}"


def _other_sizes(document: coco.Document, files: Sequence[ImageFile]) -> Iterator[tuple[str, str]]:
    """Yield images whose size is not the annotated one."""
    sizes = {file.path: file.size for file in files}
    for number, image in document.images.items():
        size = sizes[image.path]
        if size and size != (image.width, image.height):
            found, told = f"{size[0]} x {size[1]}", f"{image.width:g} x {image.height:g}"
            yield "image size", f"image {number}, {image.path.name}: {found} pixels, annotated {told}"
