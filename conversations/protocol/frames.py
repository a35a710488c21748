"""Base class of the frames to the client: one JSON object, `type` first, raw UTF-8."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Frame(BaseModel):
    """Fields named in `optional` are omitted when None; every other field is always present."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    optional: ClassVar[frozenset[str]] = frozenset()

    type: str

    def encode(self) -> str:
        absent = {name for name in self.optional if getattr(self, name) is None}
        return self.model_dump_json(exclude=absent) if absent else self.model_dump_json()
