"""What every frame to the browser has in common: one object, `type` first, raw UTF-8."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Frame(BaseModel):
    """Fields named in `optional` are left out while they are None; every other field is always there."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    optional: ClassVar[frozenset[str]] = frozenset()

    type: str

    def encode(self) -> str:
        absent = {name for name in self.optional if getattr(self, name) is None}
        return self.model_dump_json(exclude=absent) if absent else self.model_dump_json()
