"""Draft a study from a few choices: what a network, a question and a data set make of it, as commented TOML."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from benchbox.errors import InvalidInput, nearest
from benchbox.networks import Network, networks, source_of
from benchbox.plan import merge
from benchbox.spec import JOB_TABLES, flatten

Table = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What a study is to be about: a network by name, what is varied, which data, seeds, a title (its own when "")."""

    model: str
    vary: str
    data: str
    seeds: tuple[int, ...]
    title: str = ""


@dataclass(frozen=True)
class Variation:
    """What is varied.

    Args:
        title: what a study of it is called. factor: its keys. model: what the base's network needs for it.
        arms: overrides by name, the reference first. axis: a dotted key with its values, the reference's first.
    """

    title: str
    factor: Sequence[str]
    model: Table
    arms: Mapping[str, Table]
    axis: tuple[str, list[Any]] | None = None


@dataclass(frozen=True)
class Ground:
    """A data set at full size with a recipe, and what is other at smaller scales, without the network's part."""

    comment: str
    base: Table
    scales: Mapping[str, Table]


ADAM = {"optimizer": "adam", "lr": 1e-3}
PLAIN = {"rotate": 0.0, "rescale": 0.0, "half_body": 0.0}
"""In so few steps a network learns more from persons as they are."""
TINY_TRAIN = {"epochs": 8, "batch": 16, "lr_drops": [6], "sigma": 1.0, **PLAIN}
MINI_TRAIN = {"epochs": 20, "batch": 8, "lr_drops": [16], "sigma": 1.5}
GROUNDS: dict[str, Ground] = {
    "synthetic": Ground(
        "Embedded persons, enough for a GPU; benchbox init --data coco or mpii shows the recipes of real data.",
        {
            "dataset": {"name": "synthetic", "train": 6000, "test": 1000, "input": [128, 128]},
            "train": {"epochs": 20, "batch": 32, **ADAM, "lr_drops": [16], "sigma": 1.5},
            "evaluate": {"flip_test": True},
        },
        {
            "tiny": {
                "dataset": {"train": 1500, "test": 300, "input": [64, 64]},
                "train": TINY_TRAIN,
            }
        },
    ),
    "coco": Ground(
        "HRNet's recipe for COCO, with a GPU's share of its batch, and the field's detector boxes.",
        {
            "dataset": {"name": "coco", "train": "train2017", "test": "val2017", "input": [256, 192]},
            "train": {
                "epochs": 210,
                "batch": 32,
                **ADAM,
                "lr_drops": [170, 200],
                "rotate": 45.0,
                "rescale": 0.35,
                "half_body": 0.3,
            },
            "evaluate": {"boxes": "detector", "flip_test": True},
        },
        {
            "mini": {
                "dataset": {"input": [128, 128]},
                "evaluate": {"boxes": "ground-truth"},
                "train": MINI_TRAIN,
            },
            "tiny": {
                "dataset": {"name": "synthetic", "train": 1500, "test": 300, "input": [64, 64]},
                "evaluate": {"boxes": "ground-truth"},
                "train": TINY_TRAIN,
            },
        },
    ),
    "mpii": Ground(
        "HRNet's recipe for MPII, with a GPU's share of its batch.",
        {
            "dataset": {"name": "mpii", "train": "train", "test": "valid", "input": [256, 256]},
            "train": {"epochs": 210, "batch": 32, **ADAM, "lr_drops": [170, 200], "rotate": 30.0, "rescale": 0.25},
            "evaluate": {"flip_test": True},
        },
        {
            "mini": {"dataset": {"input": [128, 128]}, "train": MINI_TRAIN},
            "tiny": {
                "dataset": {"name": "synthetic", "layout": "mpii", "train": 1500, "test": 300, "input": [64, 64]},
                "train": TINY_TRAIN,
            },
        },
    ),
}
"""What a study can be drafted on."""
OTHER_NAMES = {"embedded": "synthetic"}
"""What data were called before, and are called now."""
SMALL: dict[str, Mapping[str, Table]] = {
    "hrnet": {
        "mini": {"shrink": 0.25, "blocks": 1, "modules": [1, 1, 1]},
        "tiny": {"shrink": 0.1875, "blocks": 1, "modules": [1, 1, 1]},
    },
    "resnet": {"mini": {"shrink": 0.25}, "tiny": {"shrink": 0.125}},
    "hourglass": {"mini": {"stacks": 2, "shrink": 0.25}, "tiny": {"stacks": 1, "shrink": 0.125}},
    "acnn": {"mini": {"stacks": 2, "shrink": 0.25}, "tiny": {"stacks": 2, "shrink": 0.125}},
    "mrn": {"mini": {"stacks": 2, "shrink": 0.25}, "tiny": {"stacks": 1, "shrink": 0.125}},
}
"""How the networks become small."""
FINER: dict[str, Table] = {
    "resnet": {"dataset": {"input": [128, 128]}, "train": {"batch": 8, "sigma": 1.5}},
}
"""What networks take at tiny that see 64x64 pixels as 2x2: on those they learn one pose for all."""
PLACES: dict[str, Table] = {"hrnet": {"sub_networks": [1]}, "hourglass": {"stacks": [1]}}
"""Where attention goes in the networks that have none at first."""
MASKS = {"no masks": {"masks": "ones"}, "soft masks": {"mask": "soft"}, "binary masks": {"mask": "binary"}}
SCALE_COMMENTS = {
    "mini": "Real persons, few of them: a small network, a few epochs, boxes of the ground truth.",
    "tiny": "The embedded persons on a CPU, in minutes. Where data or a GPU are missing, this is what runs.",
}


def network(name: str) -> Network:
    """Return the network of a name.

    Raises: InvalidInput with the nearest name.
    """
    return networks([name])[0]


def known_data(name: str) -> str:
    """Return a kind of data that studies can be drafted on.

    Raises: InvalidInput with the nearest one.
    """
    if OTHER_NAMES.get(name, name) not in GROUNDS:
        raise InvalidInput(f"--data {name}: unknown{nearest(name, GROUNDS)}")
    return OTHER_NAMES.get(name, name)


def variation(of: Network, vary: str) -> Variation:
    """Return what a word, or KEY=VALUE,VALUE,..., varies of a network.

    Raises: InvalidInput.
    """
    if "=" in vary:
        return _by_key(of, vary)
    if vary not in VARIATIONS:
        known = nearest(vary, VARIATIONS)
        raise InvalidInput(f"--vary {vary}: unknown{known} (or a key: train.lr=1e-3,5e-4)")
    return VARIATIONS[vary](of)


def _attention(of: Network) -> Variation:
    """Vary the attention module; of a network whose attention is masks, these."""
    fields = _fields(of)
    if "attention" not in fields:
        return Variation("Attention masks", ["model.masks", "model.mask"], {}, MASKS)
    kinds = get_args(fields["attention"].annotation)
    return Variation(
        "Attention modules", ["model.attention"], _places(of), {kind: {"attention": kind} for kind in kinds}
    )


def _kernels(of: Network) -> Variation:
    """Vary how spatial attention convolves."""
    fields = _fields(of)
    if "sam_kernel" not in fields:
        raise InvalidInput(f"--vary kernels: {of.name} has no spatial attention; attention, or KEY=VALUE,VALUE")
    arms = {kernel: {"sam_kernel": kernel} for kernel in get_args(fields["sam_kernel"].annotation)}
    return Variation("Kernels of spatial attention", ["model.sam_kernel"], _attentive(of), arms)


def _by_key(of: Network, vary: str) -> Variation:
    key, _, text = vary.partition("=")
    values = _values(text)
    if len(values) < 2:
        raise InvalidInput(f"--vary {vary}: needs two values or more, the reference's first; e.g. train.batch=16,32")
    if twice := [value for value in values if values.count(value) > 1]:
        raise InvalidInput(f"--vary {vary}: {spell(twice[0])} stands twice; give different values")
    table, _, below = key.partition(".")
    if table not in JOB_TABLES or not re.fullmatch(r"[a-z_0-9]+(\.[a-z_0-9]+)*", below):
        wrong = "is a table, name a key of it" if key in JOB_TABLES else f"no key of a job{nearest(table, JOB_TABLES)}"
        raise InvalidInput(f"--vary {key}: {wrong}, e.g. train.lr or model.attend.stages")
    idle = table == "model" and below.split(".")[0] in of.job("mpii", (256, 256)).model.idle()
    needed = _attentive(of) if idle and "attention" in _fields(of) else {}
    return Variation(f"Values of {key}", [key], needed, {}, (key, values))


VARIATIONS: dict[str, Callable[[Network], Variation]] = {"attention": _attention, "kernels": _kernels}
"""What can be varied by a word; anything else by its key."""


def text_of(choice: Choice) -> str:
    """Return the study as TOML; whether it is one, its reader tells.

    Raises: InvalidInput.
    """
    of, ground = network(choice.model), GROUNDS[known_data(choice.data)]
    varied = variation(of, choice.vary)
    of_arms = [key for arm in varied.arms.values() for key in flatten({"model": arm})]
    of_arms += [tuple(varied.axis[0].split("."))] if varied.axis else []
    base = {"dataset": ground.base["dataset"], "model": {**of.model, **varied.model}, **ground.base}
    kind = str(of.model["name"])
    scales = {name: {**scale, "model": SMALL[kind][name]} for name, scale in ground.scales.items()}
    scales["tiny"] = merge(scales["tiny"], FINER.get(kind, {}))
    seeds = spell(list(choice.seeds))
    lines = [
        "# Every key, with its range: benchbox init --schema",
        "",
        "schema = 1",
        f"title = {spell(choice.title or f'{varied.title} in {of.name}')}",
        f"seeds = {seeds}  # every arm with each; three or more tell a gain from noise (benchbox compare)",
        f"factor = {spell(list(varied.factor))}  # what is varied; an arm that differs elsewhere is refused",
        "",
        f"# A whole job. {of.name}: {source_of(of)}.",
        f"# {ground.comment}",
        *(["# It starts from ImageNet: model.pretrained = FILE."] if "mini" in scales else []),
        "[base]",
        *_tables(_without(base, of_arms)),
        *_arms(varied),
    ]
    for name, values in scales.items():
        lines += ["", f"# {SCALE_COMMENTS[name]}", f"[scales.{name}]", *_tables(_without(values, of_arms))]
    return "\n".join(lines) + "\n"


def spell(value: Any) -> str:
    """Spell a value as TOML.

    Raises: InvalidInput for text that is no Unicode.
    """
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {spell(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(spell, value)) + "]"
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise InvalidInput(f"{value!r}: not a text that UTF-8 can spell")
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _arms(varied: Variation) -> list[str]:
    if varied.axis:
        key, values = varied.axis
        return ["", "[axes]", f"{key} = {spell(values)}", "", "[reference]", f"{key} = {spell(values[0])}"]
    lines: list[str] = []
    for name, model in varied.arms.items():
        lines += ["", "[[variants]]", f"name = {spell(name)}", *(["reference = true"] if not lines else [])]
        lines += [f"model.{key} = {spell(value)}" for key, value in model.items()]
    return lines


def _tables(values: Table) -> list[str]:
    return [f"{key} = {spell(table)}" for key, table in values.items() if table]


def _without(values: Table, taken: Sequence[tuple[str, ...]]) -> Table:
    """Leave out the keys that the arms set, but names, which say what the other keys belong to."""
    kept = {}
    for table, keys in values.items():
        own = [key[1:] for key in taken if key[0] == table]
        kept[table] = {key: one for key, one in keys.items() if key == "name" or not any(o[:1] == (key,) for o in own)}
    return kept


def _attentive(of: Network) -> Table:
    """Return what a network needs to have spatial attention somewhere."""
    return _places(of) | ({} if of.model.get("attention") in ("sam", "am") else {"attention": "am"})


def _places(of: Network) -> Table:
    kind = str(of.model["name"])
    return {"attend": PLACES[kind]} if kind in PLACES and "attend" not in of.model else {}


def _values(text: str) -> list[Any]:
    """Read values as a study spells them; words may stand without quotes."""
    try:
        return list(tomllib.loads(f"values = [{text}]")["values"])
    except (ValueError, RecursionError):  # no TOML, or a number of more digits than Python reads
        return [part.strip() for part in text.split(",") if part.strip()]


def _fields(of: Network) -> Mapping[str, Any]:
    return type(of.job("mpii", (256, 256)).model).model_fields
