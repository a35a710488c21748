"""PURE. Why a picture is refused."""


class Rejected(Exception):
    """The picture is refused; nothing that was written for it is used. `reason` is one of docs/protocol.md:
    not_a_picture, too_many_pixels, too_many_frames, damaged, too_slow, unsupported, mismatch."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
