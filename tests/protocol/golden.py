"""The golden examples: one frame of every type, as it travels.

Read by the tests beside it, by those of the browser's code, and by the test that keeps docs/protocol.md equal to the code.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden"
GOLDEN: dict[str, str] = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.json"))
}


def golden(type: str) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(GOLDEN[type])
    return frame


def compact(value: Any) -> str:
    """JSON as the wire has it: no spaces, nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
