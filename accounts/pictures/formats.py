"""PURE. Picture formats by their first bytes. A name or a stated type decides nothing (docs/threats.md
T39)."""

HEAD_BYTES = 64
"""What `picture_format` looks at."""
SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)


def picture_format(head: bytes) -> str | None:
    """JPEG, PNG, WEBP, GIF; None for everything else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return next((name for signature, name in SIGNATURES if head.startswith(signature)), None)
