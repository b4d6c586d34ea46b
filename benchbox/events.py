"""TensorBoard's event files from plain data: scalars by step, pictures, settings; a file that only grows at its end.

Needs the extra `tensorboard`; nothing of TensorFlow or torch.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbox.errors import EnvironmentProblem
from benchbox.files import explained, refuse_special, write_whole

NAME = "events.out.tfevents.0.benchbox"
"""Of every event file: TensorBoard looks for the third word; there is one file to a folder."""
VERSION = "brain.Event:2"


@dataclass(frozen=True)
class Scalar:
    """One number: what it is, as "part/name", and the epoch that it belongs to."""

    tag: str
    step: int
    value: float


@dataclass(frozen=True)
class Picture:
    """One picture, a PNG of side x side pixels: what it is, as "part/name", and the epoch."""

    tag: str
    step: int
    png: bytes
    side: int


@dataclass(frozen=True)
class Text:
    """Some Markdown: what it is, and the epoch."""

    tag: str
    step: int
    text: str


def require() -> None:
    """Check that the extra is installed.

    Raises: EnvironmentProblem.
    """
    try:
        import tensorboard.summary.writer.record_writer  # noqa: F401
    except ImportError as problem:
        raise EnvironmentProblem(
            f"TensorBoard's event files need an extra ({problem}): pip install 'benchbox[tensorboard]'"
        ) from None


def head(settings: Mapping[str, str | float | bool], *, name: str, began: float) -> bytes:
    """Return the begin of a file: its version and the hyper-parameters.

    Args: name: of the run. began: seconds since 1970; every event bears this time, so that the same data are the same
        bytes.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    start = SessionStartInfo(group_name=name, start_time_secs=began)
    for key, value in settings.items():
        kind = "bool_value" if isinstance(value, bool) else "string_value" if isinstance(value, str) else "number_value"
        setattr(start.hparams[key], kind, value)
    data = HParamsPluginData(session_start_info=start, version=metadata.PLUGIN_DATA_VERSION)
    # Of a map protobuf promises an order only where it is asked to.
    content = data.SerializeToString(deterministic=True)
    plugin = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=content)
    value = Summary.Value(tag=metadata.SESSION_START_INFO_TAG, metadata=SummaryMetadata(plugin_data=plugin))
    value.tensor.CopyFrom(metadata.NULL_TENSOR)
    summary = Summary(value=[value])
    return _records([Event(wall_time=began, file_version=VERSION), Event(wall_time=began, step=0, summary=summary)])


def body(items: Sequence[Scalar | Picture | Text], *, began: float) -> bytes:
    """Return scalars, pictures and texts as a part of a file."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    return _records([Event(wall_time=began, step=item.step, summary=Summary(value=[_value(item)])) for item in items])


def _value(item: Scalar | Picture | Text) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    if isinstance(item, Scalar):
        return Summary.Value(tag=item.tag, simple_value=item.value)
    if isinstance(item, Picture):
        image = Summary.Image(height=item.side, width=item.side, colorspace=3, encoded_image_string=item.png)
        return Summary.Value(tag=item.tag, image=image)
    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    content = TensorProto(dtype=DT_STRING, string_val=[item.text.encode()])
    return Summary.Value(tag=item.tag, metadata=plugin, tensor=content)


def grow(path: Path, content: bytes) -> str:
    """Let a file hold some content: what is there already stays, only what is new at its end is written.

    A reader that has the file open goes on reading; where the file is no begin of the content it is replaced as a
    whole. A write that was cut short is completed by the next.

    Returns: new, grown, replaced or unchanged.
    Raises: InvalidInput for what is no plain file. EnvironmentProblem where the disk refuses.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            refuse_special(path)
        old = path.read_bytes() if path.exists() else None
        if old == content:
            return "unchanged"
        if old and content.startswith(old):
            with open(path, "ab") as file:
                file.write(content[len(old) :])
            return "grown"
    write_whole(path, content)
    return "new" if old is None else "replaced"


def starts_with(path: Path, content: bytes) -> bool:
    """Tell whether a file holds some content and more behind it."""
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            return file.read(len(content)) == content and bool(file.read(1))
    except OSError:
        return False


def _records(events: Sequence[Any]) -> bytes:
    from tensorboard.summary.writer.record_writer import RecordWriter

    out = io.BytesIO()
    writer = RecordWriter(out)
    for event in events:
        writer.write(event.SerializeToString(deterministic=True))
    return out.getvalue()
