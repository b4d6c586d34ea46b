"""The verbs of networks: what those with a name cost, and which of them a file of weights fits."""

from __future__ import annotations

from collections.abc import Sequence

from benchbox import costs
from benchbox.cli.counts import count_networks
from benchbox.cli.grid import Column, emit
from benchbox.errors import OK
from benchbox.networks import networks, note_of, source_of

COSTS_NOTES = (
    "Multiply-adds: of convolutions and matrix products, for one image.",
    "GFLOPs: as pose papers count, weights times output positions over 1024^3; a transposed convolution of stride 2 "
    "counts four times.",
)


def list_all(names: Sequence[str], format: str) -> int:
    """Print what networks cost at every input they are listed at, beside what was reported; all without names."""
    listed = [(network, one) for network in networks(names) for one in network.listed]
    jobs = [network.job(one.dataset, one.input) for network, one in listed]
    counted = count_networks(jobs)
    rows = []
    for (network, one), job in zip(listed, jobs, strict=True):
        height, width = one.input
        rows.append(
            {
                "network": network.name,
                "dataset": one.dataset,
                "joints": job.dataset.joints,
                "input": f"{height}x{width}",
                **vars(counted[costs.key(job)]),
                "parameters_reported": one.parameters or None,
                "gflops_reported": one.gflops or None,
                "notes": " ".join(one.notes) or None,
                "source": source_of(network),
            }
        )
    marks = {key: number for number, key in enumerate(dict.fromkeys(key for _, one in listed for key in one.notes), 1)}
    columns = [
        Column("network", "Network"),
        Column("joints", "Joints", right=True),
        Column("input", "Input"),
        Column("parameters", "#Param counted", right=True, show=lambda value: f"{value:,}"),
        Column("parameters_reported", "reported", right=True),
        Column("macs", "Multiply-adds", right=True, show=lambda value: f"{value / 1e9:.3f}G"),
        Column("field_gflops", "GFLOPs counted", right=True, show=lambda value: f"{value:.2f}"),
        Column("gflops_reported", "reported", right=True),
        Column("notes", "Note", show=lambda keys: " ".join(f"[{marks[key]}]" for key in keys.split())),
    ]
    footnotes = [f"[{number}] {note_of(key)}" for key, number in marks.items()]
    footnotes += [*COSTS_NOTES, f"Reported: {'; '.join(dict.fromkeys(row['source'] for row in rows))}."]
    emit(format, "Networks", columns, rows, {"schema": 1, "kind": "models-list"}, footnotes)
    return OK
