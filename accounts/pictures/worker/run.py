"""The work of the picture worker: limits, sandbox, then one picture from standard input.

The first argument is a JSON object: `parent` (process id), `format`, `outputs` (names and open file
descriptors), and `crop` for a profile picture. The answer is a JSON object on standard output, `{"rejected":
reason}` for a picture that is refused, `{"failed": errno}` for a full disk. Any other exit code than 0 is an
error of ours, or of a decoder."""

import errno
import json
import mmap
import os
import sys
import warnings
from typing import IO, Any, cast

from PIL import Image, ImageFile

from accounts.pictures.worker import animation, confinement, gif, limits
from accounts.pictures.worker.jpeg import MOST_SCANS, scan_count
from accounts.pictures.worker.polyglots import is_polyglot
from accounts.pictures.worker.reading import opened
from accounts.pictures.worker.rejection import Rejected
from accounts.pictures.worker.square import write_square
from accounts.pictures.worker.still import still

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


class Output:
    """A file that is written through `write` alone. With a descriptor encoders would write themselves, and
    not tell why they could not."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left:
            left = left[os.write(self.descriptor, left) :]
        return len(data)


def main() -> int:
    job = json.loads(sys.argv[1])
    limits.apply(job["parent"])
    # Formats that are imported with the first picture; by then no file can be opened any more.
    Image.preinit()
    warnings.simplefilter("ignore")
    outputs = {name: cast(IO[bytes], Output(descriptor)) for name, descriptor in job["outputs"].items()}
    source = os.fdopen(0, "rb")
    data = mmap.mmap(0, 0, access=mmap.ACCESS_READ)
    held = confinement.confine()
    answer = {**answered(job, source, data, outputs), "sandbox": held}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return 0


def answered(
    job: dict[str, Any], source: IO[bytes], data: mmap.mmap, outputs: dict[str, IO[bytes]]
) -> dict[str, Any]:
    try:
        return made(job, source, data, outputs)
    except Rejected as rejected:
        return {"rejected": rejected.reason}
    except (MemoryError, Image.DecompressionBombError):
        return {"rejected": "too_many_pixels"}
    except (ImportError, PermissionError):
        # Not the picture's fault: something is missing in `confinement.ALLOWED`, or imported too late.
        raise
    except OSError as error:
        if error.errno in NO_SPACE:
            return {"failed": error.errno}
        return {"rejected": "too_many_pixels" if error.errno == errno.EFBIG else "damaged"}
    except Exception:  # any decoder error means a damaged picture
        return {"rejected": "damaged"}


def made(
    job: dict[str, Any], source: IO[bytes], data: mmap.mmap, outputs: dict[str, IO[bytes]]
) -> dict[str, Any]:
    if is_polyglot(data):
        raise Rejected("mismatch")
    picture_format: str = job["format"]
    if picture_format == "JPEG" and scan_count(data, MOST_SCANS) > MOST_SCANS:
        raise Rejected("too_slow")
    if "square" in outputs:
        write_square(opened(source, picture_format), outputs["square"], job["crop"])
        return {}
    count = gif.frame_count(data, animation.MAX_FRAMES) if picture_format == "GIF" else None
    answer = variants(opened(source, picture_format), count, data, outputs)
    if picture_format == "GIF":
        gif.rebuild(data, outputs["file"])
    return {"type": TYPES[picture_format], **answer}


def variants(
    picture: ImageFile.ImageFile, count: int | None, data: mmap.mmap, outputs: dict[str, IO[bytes]]
) -> dict[str, Any]:
    count = animation.count_of(picture) if count is None else count
    if count == 0:
        raise Rejected("damaged")
    if count == 1:
        return still(picture, data, outputs)
    return animation.animated(picture, count, outputs)
