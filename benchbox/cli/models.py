"""The verbs of networks and their options; each verb's work is imported when it is called."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from benchbox.cli import early_files, early_results
from benchbox.cli.options import Format, Json, Results, Scale
from benchbox.cli.verbs import Words
from benchbox.errors import EnvironmentProblem

models_verbs = typer.Typer(cls=Words, add_completion=False, rich_markup_mode=None)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAMES]...", help="Networks.", show_default=False),
]


@models_verbs.callback(invoke_without_command=True)
def _models(context: typer.Context) -> None:
    """Networks: what they cost (`list`, also without a word), what weights fit (`check`), how fast (`bench`).

    Example: benchbox models

    Exit codes: those of its verbs.
    """
    if context.invoked_subcommand is None:
        models_list()


@models_verbs.command("list")
def models_list(names: Names = None, format: Format = "rich", json: Json = False) -> None:
    """List networks: parameters, multiply-adds and the field's GFLOPs, counted, beside what was reported.

    Example: benchbox models list hrnet-w32 hrnet-w48

    Exit codes: 0 listed, 2 unknown network.
    """
    from benchbox.cli import networks

    sys.exit(networks.list_all(names or [], "json" if json else format))


@models_verbs.command("check")
def models_check(
    weights: Annotated[Path, typer.Argument(metavar="CKPT", help="The file of weights.", show_default=False)],
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Say which networks a file of weights fits, whole or as a backbone, and how a study names it.

    Files of torch.save that hold tensors, and safetensors.

    Example: benchbox models check pose_hrnet_w32_256x192.pth

    Exit codes: 0 fits, 1 fits no network, 2 no such file, or not one of weights.
    """
    early_files.weights(weights)
    from benchbox.cli import networks

    sys.exit(networks.check(weights, "json" if json else format))


@models_verbs.command("bench")
def models_bench(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAMES...", help="Networks.", show_default=False),
    ],
    device: Annotated[
        str | None,
        typer.Option(help="cpu or cuda; cuda where there is one."),
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a batch; 4 on a CPU, else 32.")] = None,
    precision: Annotated[
        str,
        typer.Option(help="fp32, or bf16 (autocast, as jobs train)."),
    ] = "fp32",
    input: Annotated[str | None, typer.Option(metavar="HxW", help="Height x width, if not the first listed.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of a second or more.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads; jobs on a CPU have 1.")] = 1,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Measure images a second of the forward pass and of training steps, latencies, memory; kept in results/bench/.

    Example: benchbox models bench hrnet-w32 simple-baseline-r50 --batch 8

    Exit codes: 0 measured, 2 usage, 4 no such device, no memory or no room, 130 interrupted.
    """
    from benchbox.cli import bench

    asked = bench.Asked(device, batch, precision, input, repeats, threads)
    sys.exit(bench.bench(names, asked, results, "json" if json else format))


@models_verbs.command("export")
def models_export(
    run: Annotated[str, typer.Argument(metavar="JOB", help="A job id's beginning, or STUDY.toml:ARM.")],
    out: Annotated[Path | None, typer.Option(help="The file; JOB.onnx here when not given.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a call takes; 1 when not given.")] = None,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="Let a call take any number of images.")] = False,
    scale: Scale = None,
    results: Results = Path("results"),
    format: Format = "rich",
    json: Json = False,
) -> None:
    """Write a finished job's network as an ONNX file, if onnxruntime computes with it what we do.

    Its metadata say what goes in and what comes out: size, colours, mean and deviation, joints, stride, decoding.

    Example: benchbox models export 5c60 --out hrnet.onnx --dynamic

    Exit codes: 0 written, 1 it computes something else, 2 usage or an unknown job, 3 no result or one without its
    weights, 4 the file cannot be written, or ONNX is not installed.
    """
    early_results.result(run, scale, results)
    absent = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if absent:
        raise EnvironmentProblem(f"ONNX needs an extra (no {', no '.join(absent)}): pip install 'benchbox[onnx]'")
    from benchbox.cli import export

    sys.exit(export.export(run, out, batch, dynamic, scale=scale, results=results, format="json" if json else format))
