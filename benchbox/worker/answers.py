"""Answers to the command line's questions: a function per verb of the worker, each loading only what it needs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchbox.errors import EnvironmentProblem


def _count(options: argparse.Namespace) -> None:
    from benchbox.worker.count import count_all

    count_all(options.cache)


def _full(options: argparse.Namespace) -> bool:
    from benchbox.worker.data import is_full

    return is_full(options.dataset, options.data)


def _score(options: argparse.Namespace) -> dict[str, Any]:
    from benchbox.worker.others import Case, read_others

    others = read_others(Case(options.predictions, options.dataset, options.truth, options.data, options.origin))
    from benchbox.worker.judge import judge  # which loads what scores

    return judge(others, options.protocol, options.save, options.results)


def _rescore(options: argparse.Namespace) -> list[dict[str, Any]]:
    from benchbox.worker.rescore import rescore_all

    where = {"data": options.data, "cache": options.cache, "check": options.check}
    return rescore_all(options.results, options.jobs, options.saved, options.protocol, **where)


def _check(options: argparse.Namespace) -> list[dict[str, Any]]:
    from benchbox.worker.data import check

    return check(options.dataset, options.split, options.data, options.cache)


def _fit(options: argparse.Namespace) -> dict[str, Any]:
    from benchbox.worker.fit import examine

    return examine(options.weights)


def _compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    from benchbox.worker.compare import Asked, Records, compare_pairs

    asked = json.load(sys.stdin)
    kept = Records(options.results, options.data, options.cache)
    return compare_pairs(kept, asked.pop("pairs"), Asked(**asked))


def _matches(options: argparse.Namespace) -> dict[str, Any]:
    from benchbox.worker.matches import matches_text

    where = {"results": options.results, "data": options.data, "cache": options.cache}
    return matches_text(**json.load(sys.stdin), **where)


def _spread(options: argparse.Namespace) -> list[dict[str, Any]]:
    from benchbox.worker.compare import Records
    from benchbox.worker.spread import spreads

    asked = json.load(sys.stdin)
    return spreads(Records(options.results, options.data, options.cache), asked["jobs"], asked["kinds"])


def _persons(options: argparse.Namespace) -> dict[int, str]:
    from benchbox.worker.persons import person_pictures

    where = {"data": options.data, "cache": options.cache}
    return person_pictures(options.results, **json.load(sys.stdin), **where)


def _predict(options: argparse.Namespace) -> dict[str, Any]:
    from benchbox.datasets.image import read_image

    asked = json.load(sys.stdin)
    for image in asked["images"]:  # what is none is told before torch is loaded, which takes seconds
        read_image(Path(image))
    from benchbox.worker.images import Asked, predict_images

    return predict_images(options.results, asked.pop("job"), Asked(**asked))


def _export(options: argparse.Namespace) -> dict[str, Any]:
    from benchbox.worker.export import export

    where = {"data": options.data, "cache": options.cache}
    return export(options.results, **json.load(sys.stdin), **where)


def _rates(options: argparse.Namespace) -> dict[str, float]:
    from benchbox.worker.bench import Setting, rates

    return rates(Setting(**json.load(sys.stdin)))


def _bench(options: argparse.Namespace) -> dict[str, Any]:
    from benchbox.config import JobConfig
    from benchbox.worker.bench import Setting, measure

    asked = json.load(sys.stdin)
    config, setting = JobConfig.model_validate(asked.pop("config")), Setting(**asked.pop("setting"))
    return measure(config, setting, folder=Path(asked.pop("folder")), **asked)


def _opencv(options: argparse.Namespace) -> str:
    import cv2

    return str(cv2.__version__)


def _torch(options: argparse.Namespace) -> dict[str, Any]:
    try:
        from benchbox.worker.machine import torch_sees
    except (ImportError, OSError) as problem:
        raise EnvironmentProblem(f"torch cannot be imported ({problem})") from None
    return torch_sees()


ANSWERS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "count": _count,
    "full": _full,
    "score": _score,
    "rescore": _rescore,
    "check": _check,
    "fit": _fit,
    "compare": _compare,
    "matches": _matches,
    "spread": _spread,
    "persons": _persons,
    "predict": _predict,
    "rates": _rates,
    "bench": _bench,
    "export": _export,
    "opencv": _opencv,
    "torch": _torch,
}
