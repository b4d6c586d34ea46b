"""Expand a study into arms, each one job, and check that every arm differs from its reference only in the factor."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchbox.arm import Place, known_keys, show, validated, with_weights
from benchbox.config import JobConfig, job_id
from benchbox.document import Path_
from benchbox.errors import InvalidInput, nearest
from benchbox.spec import SCALES, Layer, Study, flatten

MAX_ARMS = 100_000


@dataclass(frozen=True)
class Arm:
    """One row of a study: a variant of a group at one point of the axes, with one seed. Equal jobs share their id.

    `against` names the reference arm that it is compared with; `difference` is from that one. `processes` is how many
    GPUs share its job where there are as many; no part of the job.
    """

    name: str
    group: str
    variant: str
    axes: tuple[tuple[str, Any], ...]
    seed: int
    reference: bool
    against: str
    config: JobConfig
    job: str
    difference: tuple[tuple[str, Any, Any], ...]
    processes: int = 1


@dataclass(frozen=True)
class _Draft:
    """An arm before it has a reference and a seed."""

    place: Place
    config: JobConfig
    values: dict[Path_, Any]

    @property
    def name(self) -> str:
        return self.place.name


def expand(study: Study, scale: str, seeds: Sequence[int] | None = None) -> list[Arm]:
    """List every arm of a study at one scale, in the order of the file, reference arms with their difference empty.

    Raises: InvalidInput when a key is unknown or of a wrong type, when a scale and a variant set the same key, when an
    arm differs outside `factor`, when a reference is missing or double, or when two variants are the same arm.
    """
    if scale not in SCALES:
        raise InvalidInput(f"--scale {scale}: unknown scale{nearest(scale, SCALES)}")
    if scale != "paper" and scale not in study.scales:
        known = ["paper", *study.scales]
        raise InvalidInput(f"{study.path}: scales.{scale}: not in this study{nearest(scale, known)}")
    _refuse_double_keys(study)
    _check_every_layer(study, scale)
    drafts = list(_drafts(study, scale))
    if not drafts:
        raise InvalidInput(f"{study.at('exclude')}exclude: leaves no arm of the study; exclude fewer")
    _refuse_twins(study, drafts)
    references = {key: _reference(study, key, members) for key, members in _by_reference(study, drafts)}
    arms = []
    for draft in drafts:
        reference = references[_reference_key(study, draft)]
        difference = _difference(study, draft, reference)
        for seed in seeds if seeds is not None else study.seeds:
            config = validated(study, {**draft.config.model_dump(), "seed": seed}, draft.place)
            arms.append(
                Arm(
                    name=draft.name,
                    group=draft.place.group.name if draft.place.group else "",
                    variant=draft.place.variant.name if draft.place.variant else "",
                    axes=draft.place.axes,
                    seed=seed,
                    reference=draft is reference,
                    against=reference.name,
                    config=config,
                    job=job_id(config),
                    difference=difference,
                    processes=draft.place.processes,
                )
            )
    return arms


def jobs(arms: Iterable[Arm]) -> dict[str, Arm]:
    """Return one arm per job id: references first, then by seed, so that an unfinished table is useful early."""
    first: dict[str, Arm] = {}
    for arm in sorted(arms, key=lambda arm: (not arm.reference, arm.seed)):
        first.setdefault(arm.job, arm)
    return first


def names(arms: Iterable[Arm]) -> dict[str, str]:
    """Return what each job is called: its first arm, and the seed where that is not 0."""
    return {job: arm.name + (f", seed {arm.seed}" if arm.seed else "") for job, arm in jobs(arms).items()}


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay one table over another, key by key; a table whose `name` changes loses its other keys."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            renamed = "name" in value and value["name"] != below.get("name")
            merged[key] = dict(value) if renamed else merge(below, value)
        else:
            merged[key] = value
    return merged


def _nested(dotted: str, value: Any) -> dict[str, Any]:
    for key in reversed(dotted.split(".")):
        value = {key: value}
    return dict(value)


def _drafts(study: Study, scale: str) -> Iterator[_Draft]:
    points = [tuple(zip(study.axes, values, strict=True)) for values in itertools.product(*study.axes.values())]
    groups, variants = study.groups or (None,), study.variants or (None,)
    if len(points) * len(groups) * len(variants) > MAX_ARMS:
        raise InvalidInput(f"{study.at('axes')}axes: over {MAX_ARMS:,} arms")
    for group, point, variant in itertools.product(groups, points, variants):
        place = Place(group, variant, study.scales.get(scale), point)
        if not _excluded(study, place):
            config = with_weights(study, validated(study, _values(study, place), place), place)
            yield _Draft(place, config, flatten(config.model_dump()))


def _values(study: Study, place: Place) -> dict[str, Any]:
    """Merge base, scale, group, variant and axes, in this order.

    A network or data set that the arm exchanges for another drops what was said of the first, but not what the scale
    says of all: those keys reach the other as far as it has them.
    """
    scale = place.scale.values if place.scale else {}
    ground = merge(study.base.values, scale)
    values = ground
    for layer in (place.group, place.variant):
        values = merge(values, layer.values if layer else {})
    for key, value in place.axes:
        values = merge(values, _nested(key, value))
    for table, said in scale.items():
        if isinstance(said, dict) and values[table].get("name") != ground[table].get("name"):
            known = {key: value for key, value in said.items() if key in known_keys(values, (table,)) and key != "name"}
            values = merge(values, {table: merge(known, values[table])})
    return values


def _refuse_double_keys(study: Study) -> None:
    arms = [(layer, key) for layer in (*study.groups, *study.variants) for key in flatten(layer.values)]
    arms += [(Layer("axes", {}, ("axes",)), tuple(key.split("."))) for key in study.axes]
    for scale in study.scales.values():
        for scale_key in flatten(scale.values):
            for layer, key in arms:
                shared = min(len(key), len(scale_key))
                if key[:shared] == scale_key[:shared]:
                    raise InvalidInput(
                        f'{study.at(*layer.section, *key)}{".".join(key)}: set by "{layer.name}" and by scale '
                        f'"{scale.name}"; a key belongs to one of them'
                    )


def _check_every_layer(study: Study, scale: str) -> None:
    """Name an unknown key where it stands, also in the scales that are not asked for."""
    for name in study.scales:
        if name != scale:
            values = merge(study.base.values, study.scales[name].values)
            validated(study, values, Place(None, None, study.scales[name]))


def _refuse_twins(study: Study, drafts: list[_Draft]) -> None:
    """Refuse two arms spelt alike; two spellings of one network are two rows of one job."""
    seen: dict[str, _Draft] = {}
    for draft in drafts:
        twin = seen.setdefault(
            repr((draft.place.group.name if draft.place.group else "", sorted(draft.values.items()))), draft
        )
        if twin is not draft:
            raise InvalidInput(f'{study.at(*draft.place.where)}"{draft.name}" is the same arm as "{twin.name}"')


def _excluded(study: Study, place: Place) -> bool:
    facts = {
        "group": place.group.name if place.group else "",
        "variant": place.variant.name if place.variant else "",
    }
    facts |= dict(place.axes)
    for row in study.exclude:
        conditions = {".".join(key): value for key, value in flatten(row).items() if key != ("reason",)}
        for key in conditions:
            if key not in facts:
                raise InvalidInput(f"{study.at('exclude')}exclude: {key}: unknown key{nearest(key, facts)}")
        if conditions and all(facts[key] == value for key, value in conditions.items()):
            return True
    return False


def _reference_key(study: Study, draft: _Draft) -> tuple[str, str]:
    group = draft.place.group.name if draft.place.group else ""
    return group, "" if study.reference or not study.variants else repr(draft.place.axes)


def _by_reference(study: Study, drafts: list[_Draft]) -> Iterator[tuple[tuple[str, str], list[_Draft]]]:
    families: dict[tuple[str, str], list[_Draft]] = {}
    for draft in drafts:
        families.setdefault(_reference_key(study, draft), []).append(draft)
    yield from families.items()


def _reference(study: Study, key: tuple[str, str], members: list[_Draft]) -> _Draft:
    for axis in study.reference:
        if axis not in study.axes:
            raise InvalidInput(f"{study.at('reference')}reference: {axis}: not an axis{nearest(axis, study.axes)}")
        value, values = study.reference[axis], study.axes[axis]
        if value not in values:
            where = study.at("reference", *axis.split("."))
            known = ", ".join(map(show, values))
            raise InvalidInput(f"{where}reference: {axis} = {show(value)}: no value of the axis; known: {known}")
    marked = [draft for draft in members if draft.place.variant is None or draft.place.variant.reference]
    marked = [
        draft
        for draft in marked
        if all(dict(draft.place.axes)[axis] == value for axis, value in study.reference.items())
    ]
    if not study.variants and not study.reference:
        marked = []
    place = f' in group "{key[0]}"' if key[0] else ""
    if len(marked) != 1:
        count = "no reference arm" if not marked else f"{len(marked)} reference arms"
        names = f" ({', '.join(draft.name for draft in marked[:3])})" if marked else ""
        hint = (
            "mark one variant with `reference = true`"
            if study.variants
            else "name one point of the axes in [reference]"
        )
        where = study.at(*marked[1].place.where) if len(marked) > 1 else study.at("variants", "0")
        raise InvalidInput(f"{where}{count}{place}{names}; {hint}")
    return marked[0]


def _difference(study: Study, draft: _Draft, reference: _Draft) -> tuple[tuple[str, Any, Any], ...]:
    changed = []
    for key in sorted(draft.values.keys() | reference.values.keys()):
        before, after = reference.values.get(key), draft.values.get(key)
        if before != after:
            dotted = ".".join(key)
            if not any(dotted == factor or dotted.startswith(f"{factor}.") for factor in study.factor):
                raise InvalidInput(
                    f'{study.at(*draft.place.where, *key)}{dotted}: "{draft.name}" differs from its reference '
                    f'"{reference.name}" ({show(before)} -> {show(after)}) outside factor {list(study.factor)}'
                )
            changed.append((dotted, before, after))
    return tuple(changed)
