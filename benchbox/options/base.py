"""What all tables of options share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Side = Annotated[int, Field(ge=32, le=2048)]
Size = Annotated[tuple[Side, Side], Field(strict=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Digest = Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")]


def _describe(schema: dict[str, Any], table: type[BaseModel]) -> None:
    """Give the keys of a table's JSON schema what the docstrings of its classes say: `key, key: text`."""
    names = "|".join(sorted(table.model_fields, key=len, reverse=True))
    start = re.compile(rf"(?:^|(?<=[.;] ))((?:{names})(?:, (?:{names}))*): ")
    for part in table.__mro__:
        said = start.split(" ".join((vars(part).get("__doc__") or "").split()))
        for keys, text in zip(said[1::2], said[2::2], strict=True):
            for key in keys.split(", "):
                schema["properties"][key].setdefault("description", text.strip(" ;"))


class Options(BaseModel):
    """Base of all option tables: unknown keys and silent conversions are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, json_schema_extra=_describe
    )
