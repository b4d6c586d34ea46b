"""Keep the embedded data set on disk, in the layouts of COCO and MPII."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2

from benchbox.datasets.synthetic import coco_files, mpii_files
from benchbox.datasets.synthetic.scene import VERSION, Scene, render
from benchbox.errors import EnvironmentProblem

log = logging.getLogger(__name__)

JPEG_QUALITY = 90


def prepare(cache: Path, *, train: int, test: int) -> Path:
    """Return the folder of the embedded data set, made on the first call.

    Several processes may call this at once: one builds, the others wait. The folder has its name only once complete.

    Args:
        cache: folder to keep data sets in; made when missing.
        train: number of images to train on.
        test: number of images to evaluate on, the split "val".

    Returns:
        `<cache>/synthetic-v<VERSION>-<train>-<test>` with `coco/` and `mpii/`.

    Raises:
        EnvironmentProblem: the folder cannot be written or the disk is full; nothing is left behind.
    """
    final = cache / f"synthetic-v{VERSION}-{train}-{test}"
    if final.is_dir():
        return final
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _lock(cache / f".{final.name}.lock"):
            if not final.is_dir():
                _build(final, {"train": train, "val": test})
    except OSError as error:
        raise EnvironmentProblem(f"cannot make the synthetic data in {cache}: {error.strerror or error}") from error
    return final


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock that the system frees when its holder dies; the file goes when the lock is given back."""
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # The holder before us may have removed the file that we waited for; then others lock a new one.
            if _is_same(handle, path):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
        finally:
            os.close(handle)


def _is_same(handle: int, path: Path) -> bool:
    """Return whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _build(final: Path, counts: dict[str, int]) -> None:
    """Make the data set in a folder of its own and give it its name when it is complete."""
    # Under the lock, whatever stands here was left by a process that was killed.
    prefix = f".{final.name}.partial-"
    for leftover in final.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=prefix, dir=final.parent))
    try:
        log.info("making %d synthetic images in %s", sum(counts.values()), final)
        _write(partial, counts)
        partial.chmod(0o755)
        _rename(partial, final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _rename(partial: Path, final: Path) -> None:
    """Give the folder its name, unless a machine that does not see our lock was faster."""
    try:
        partial.rename(final)
    except OSError:
        if not final.is_dir():
            raise


def _write(root: Path, counts: dict[str, int]) -> None:
    """Write every image once and both annotations of it."""
    for folder in ("coco/annotations", "mpii/annot", "mpii/images", *(f"coco/{split}" for split in counts)):
        (root / folder).mkdir(parents=True)
    mpii = mpii_files.MpiiFiles()
    for split, count in counts.items():
        coco = coco_files.CocoFile(split, VERSION)
        for number in range(1, count + 1):
            scene = render(split, number - 1)
            image = root / "coco" / split / coco_files.image_name(number)
            image.write_bytes(encode(scene))
            _link(image, root / "mpii" / "images" / mpii_files.image_name(split, number))
            coco.add(number, scene)
            mpii.add(split, number, scene)
        coco.write(root / "coco" / "annotations" / f"person_keypoints_{split}.json")
    mpii.write(root / "mpii" / "annot")
    mpii.write_release(root / "mpii" / "annot" / "mpii_human_pose_v1_u12_1.mat")


def encode(scene: Scene) -> bytes:
    """Return the scene's image as a JPEG."""
    done, data = cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise RuntimeError("OpenCV wrote no JPEG")
    return data.tobytes()


def _link(source: Path, target: Path) -> None:
    """Let two names share one file, or copy it where the disk has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
