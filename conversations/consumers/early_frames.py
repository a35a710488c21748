"""PURE. Frame buffer of a socket that is not greeted yet, bounded in number and in bytes."""

from collections import deque

EARLY_FRAMES, EARLY_BYTES = 200, 512 * 1024
"""Of each direction. The bytes of a client's frames are no longer counted by the server's back-pressure."""


class EarlyFrames:
    """Frames of one direction, in order."""

    def __init__(self) -> None:
        self.frames: deque[str] = deque()
        self.size = 0

    def __len__(self) -> int:
        return len(self.frames)

    def add(self, text: str) -> bool:
        """False, and nothing is kept, when this frame does not fit."""
        size = len(text.encode())
        if len(self.frames) >= EARLY_FRAMES or self.size + size > EARLY_BYTES:
            return False
        self.frames.append(text)
        self.size += size
        return True

    def add_newest(self, text: str) -> None:
        """Drops the oldest frames until this one fits. One that never fits is dropped itself."""
        while not self.add(text) and len(text.encode()) <= EARLY_BYTES:
            self.take()

    def take(self) -> str:
        """The oldest frame."""
        text = self.frames.popleft()
        self.size -= len(text.encode())
        return text
