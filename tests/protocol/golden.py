"""The golden examples: one frame of every type, as it is sent.

Read by these tests, by the JavaScript tests, and by the test that compares docs/protocol.md with the code.
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
    """JSON as on the wire: no spaces, no needless escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
