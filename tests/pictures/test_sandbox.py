"""The worker process: what a decoder that was taken over can reach, and how it ends (docs/threats.md T40)."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from accounts.pictures import permits, sandbox
from accounts.pictures.sandbox import PictureRejected, WorkerBusy, run_worker
from accounts.pictures.worker import confinement
from dm_project.handshakes.unavailable import RETRY_MS
from dm_project.server import startup_warnings
from tests.pictures import files
from tests.pictures.files import encoded, halves, moving

ROOT = Path(sandbox.__file__).parents[2]
PREPARED = f"""
import json, os, sys
sys.path.append({str(ROOT)!r})
from accounts.pictures.worker import confinement, limits
job = json.loads(sys.argv[1])
output = job["outputs"].get("out")
"""


@pytest.fixture
def output() -> Iterator[Any]:
    with tempfile.TemporaryFile() as file:
        yield file


def run(data: bytes, output: Any, name: str = "out", **job: Any) -> dict[str, Any]:
    with tempfile.TemporaryFile() as source:
        source.write(data)
        source.flush()
        source.seek(0)
        return run_worker(source.fileno(), {name: output.fileno()}, **job)


def replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str) -> None:
    """This program instead of the worker."""
    script = tmp_path / "worker.py"
    script.write_text(PREPARED + program)
    monkeypatch.setattr(sandbox, "WORKER", script)


TAKEN_OVER = """
import ctypes, mmap, pathlib, shutil, signal, socket, subprocess
libc = ctypes.CDLL(None, use_errno=True)
secret, address, unix, victim = job["secret"], job["address"], job["unix"], job["parent"]
limits.apply(job["parent"])
confinement.confine()

def system_call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")

def tcp():
    socket.create_connection(tuple(address), timeout=5).send(b"x")

def local():
    socket.socket(socket.AF_UNIX).connect(unix)

def change():
    with open(secret, "a") as file:
        file.write("x")

def run():
    subprocess.run(["/bin/true"], check=True)

def run_in_place():
    os.execv("/bin/true", ["true"])

attacks = {
    "read a file": lambda: open(secret).read(),
    "read by a descriptor of a folder": lambda: os.open(secret, os.O_RDONLY),
    "change a file": change,
    "make a file": lambda: open(secret + ".new", "w"),
    "remove a file": lambda: os.remove(secret),
    "rename a file": lambda: os.rename(secret, secret + ".old"),
    "link a file": lambda: os.symlink("/etc/passwd", secret + ".link"),
    "change a mode": lambda: os.chmod(secret, 0o777),
    "list a folder": lambda: os.listdir(os.path.dirname(secret)),
    "make a folder": lambda: os.mkdir(secret + ".folder"),
    "read the memory of the server": lambda: open(f"/proc/{victim}/mem", "rb").read(1),
    "read the environment of the server": lambda: open(f"/proc/{victim}/environ", "rb").read(),
    "connect by TCP": tcp,
    "connect to a local socket": local,
    "listen": lambda: socket.socket(),
    "send by UDP": lambda: socket.socket(type=socket.SOCK_DGRAM),
    "start a program": run,
    "become a program": run_in_place,
    "copy itself": lambda: os.fork() or os._exit(0),
    "end the server": lambda: os.kill(victim, 0),
    "end its group": lambda: os.killpg(os.getpgid(victim), 0),
    "trace the server": lambda: system_call(libc.ptrace(0x4206, victim, 0, 0)),
    "run new code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
    "get a namespace": lambda: system_call(libc.unshare(0x10000000)),
    "raise its own limits": lambda: system_call(libc.setrlimit(9, (ctypes.c_ulong * 2)(1 << 62, 1 << 62))),
}
done = []
for name, attack in attacks.items():
    try:
        attack()
    except Exception:
        continue
    done.append(name)
os.write(output, b"still there")
os.write(1, json.dumps({"done": done, "tried": len(attacks)}).encode())
"""


def test_a_decoder_that_is_taken_over_reaches_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: Any
) -> None:
    """No keys, no database, no network, no server process. Also as root, as which this may run."""
    replaced(monkeypatch, tmp_path, TAKEN_OVER)
    secret = tmp_path / ".env"
    secret.write_text("SECRET_KEY=canary")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(tmp_path / "socket"))
        local.listen()
        answer = run(
            b"x", output, secret=str(secret), address=tcp.getsockname(), unix=str(tmp_path / "socket")
        )
    assert answer == {"done": [], "tried": len(ATTACKS)}
    assert secret.read_text() == "SECRET_KEY=canary"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "socket", "worker.py"]
    output.seek(0)
    assert output.read() == b"still there", "what was open before stays open"


ATTACKS = re.findall(r'^    "([^"]+)": ', TAKEN_OVER, re.MULTILINE)
REFUSED_BY = {
    "landlock": {
        "read a file",
        "read by a descriptor of a folder",
        "change a file",
        "make a file",
        "remove a file",
        "rename a file",
        "link a file",
        "list a folder",
        "make a folder",
        "read the memory of the server",
        "read the environment of the server",
        "connect by TCP",
        "start a program",
    },
    "namespaces": {"connect by TCP"},
    "seccomp": set(ATTACKS),
}


MACOS = """
sys.platform = "darwin"
setrlimit = limits.resource.setrlimit
def refusing(kind, values):
    if kind == limits.resource.RLIMIT_AS:
        raise ValueError
    setrlimit(kind, values)
limits.resource.setrlimit = refusing
"""
WITHOUT = {
    "numbers of its system calls": "confinement.ARCHITECTURES.clear()",
    "filters": "confinement.takes_filters = lambda libc: False",
    "Landlock": "confinement.restrict_files = lambda libc: False",
    "filters and Landlock": ("confinement.takes_filters = confinement.restrict_files = lambda libc: False"),
    "filters and namespaces": (
        "confinement.takes_filters = lambda libc: False\nconfinement.CLONE_NEWUSER = 1 << 60"
    ),
    "anything of Linux": MACOS,
}
"""Kernels and systems that lack something, by what they lack."""
NOT_WITHOUT_A_SANDBOX = (
    '    "become a program": run_in_place,\n',
    '    "trace the server": lambda: system_call(libc.ptrace(0x4206, victim, 0, 0)),\n',
)
"""Attacks that would succeed there, and end the test."""


@pytest.mark.parametrize("lacking", WITHOUT)
def test_what_else_there_is_holds_where_a_system_lacks_something(
    lacking: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: Any
) -> None:
    """As far as the kernel of this machine offers the rest."""
    program = TAKEN_OVER.replace("limits.apply", f"{WITHOUT[lacking]}\nlimits.apply").replace(
        "confinement.confine()", "held = confinement.confine()"
    )
    for attack in NOT_WITHOUT_A_SANDBOX:
        assert attack in program
        program = program.replace(attack, "")
    replaced(monkeypatch, tmp_path, program.replace('"tried": len(attacks)', '"held": held'))
    secret = tmp_path / ".env"
    secret.write_text("SECRET_KEY=canary")
    with socket.create_server(("127.0.0.1", 0)) as tcp:
        answer = run(b"x", output, secret=str(secret), address=tcp.getsockname(), unix=str(tmp_path / "none"))
    for mechanism in answer["held"]:
        assert not REFUSED_BY[mechanism] & set(answer["done"])
    reachable = " ".join(sandbox.reachable_with(answer["held"]))
    assert ("read a file" in answer["done"]) == ("files" in reachable), "what is lost is said"
    assert "connect by TCP" not in answer["done"] or "network" in reachable
    assert "end the server" not in answer["done"] or "processes" in reachable


PICTURE = "\nfrom accounts.pictures.worker import run\nsys.exit(run.main())"


@pytest.mark.parametrize("lacking", WITHOUT)
def test_pictures_are_processed_on_every_system_and_the_start_says_what_is_lost(
    lacking: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replaced(monkeypatch, tmp_path, WITHOUT[lacking] + PICTURE)
    answer = picture_run(encoded(halves(), "JPEG"), "JPEG")
    assert answer["type"] == "image/jpeg"
    startup_warnings.check_pictures()
    assert ("without a complete sandbox" in caplog.text) == ("seccomp" not in answer["sandbox"])
    assert lacking != "anything of Linux" or "the keys and the database), the network, other" in caplog.text


def test_the_start_says_nothing_where_nothing_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    startup_warnings.check_pictures()
    assert caplog.text == ""


def test_the_start_says_when_no_picture_can_be_processed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An update of the system may want a system call that the filter does not know."""
    missing = "confinement.ALLOWED = {'write': (1, 64), 'exit_group': (231, 94)}"
    replaced(monkeypatch, tmp_path, missing + PICTURE)
    startup_warnings.check_pictures()
    assert "Pictures cannot be processed on this system" in caplog.text
    caplog.clear()
    monkeypatch.setattr(permits, "WORKERS", 0)
    monkeypatch.setattr(permits, "PATIENCE_SECONDS", 0.0)
    startup_warnings.check_pictures()
    assert caplog.text == "", "what is not known is not said"


def test_the_start_leaves_the_processor_to_the_clients_that_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Thousands at once, after a restart: the check waits, and keeps no server from ending."""
    checked = threading.Event()
    monkeypatch.setattr(startup_warnings, "check_pictures", checked.set)
    before = set(threading.enumerate())
    startup_warnings.start_picture_check()
    (timer,) = set(threading.enumerate()) - before
    assert isinstance(timer, threading.Timer)
    assert (timer.daemon, checked.is_set()) == (True, False)
    assert timer.interval * 1_000 > max(RETRY_MS)
    timer.cancel()
    monkeypatch.setattr(startup_warnings, "PICTURE_CHECK_AFTER_SECONDS", 0.0)
    startup_warnings.start_picture_check()
    assert checked.wait(10)


def judged(program: bytes, architecture: int, number: int, third: int = 0) -> int:
    """What the filter answers: its instructions, one after the other."""
    data = struct.pack("<IIQQQQ", number, architecture, 0, 0, 0, third)
    at, accumulator = 0, 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("HBBI", program, 8 * at)
        at += 1
        if code == confinement.LOAD:
            accumulator = int.from_bytes(data[value : value + 4], "little")
        elif code == confinement.RETURN:
            return int(value)
        else:
            is_true = accumulator == value if code == confinement.EQUAL else bool(accumulator & value)
            at += if_true if is_true else if_false


@pytest.mark.parametrize("machine", confinement.ARCHITECTURES)
def test_the_filter_allows_what_is_listed_and_nothing_else(machine: str) -> None:
    """Also for the processor that the tests do not run on."""
    program, architecture = confinement.seccomp_program(machine), confinement.ARCHITECTURES[machine]
    column = list(confinement.ARCHITECTURES).index(machine)
    listed = {numbers[column] for numbers in confinement.ALLOWED.values()}
    for number in (*range(600), 0x40000000, 0x40000001, 0xFFFFFFFF):
        expected = confinement.ALLOW if number in listed else confinement.FAIL
        assert judged(program, architecture, number) == expected
    for name in confinement.WITH_PROTECTION:
        number = confinement.ALLOWED[name][column]
        assert judged(program, architecture, number, third=7) == confinement.FAIL
        assert judged(program, architecture, number, third=3) == confinement.ALLOW
    assert judged(program, 0x40000003, 3) == confinement.KILL, "the same numbers mean others on i386"


def test_an_unknown_machine_has_no_filter() -> None:
    assert confinement.seccomp_program("riscv64") == b""


LIMITED = """
kind = job["kind"]
limits.CPU_SECONDS = 1
limits.apply(job["parent"])
if kind == "killed":
    import signal
    os.kill(os.getpid(), signal.SIGKILL)
if kind == "score":
    with open("/proc/self/oom_score_adj") as file:
        os.write(1, json.dumps({"score": int(file.read())}).encode())
    sys.exit()
confinement.confine()
if kind == "memory":
    try:
        bytearray(1 << 30)
    except MemoryError:
        os.write(1, b'{"memory": "refused"}')
if kind == "time":
    while True:
        pass
if kind == "output":
    try:
        while os.write(output, bytes(1 << 20)):
            pass
    except OSError as error:
        os.write(1, json.dumps({"errno": error.errno}).encode())
if kind == "crash":
    os.abort()
if kind == "answer":
    while True:
        os.write(1, b"x" * 65536)
"""


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    replaced(monkeypatch, tmp_path, LIMITED)


def test_memory_is_limited(limited: None, output: Any) -> None:
    assert run(b"x", output, kind="memory") == {"memory": "refused"}


def test_where_memory_runs_out_the_system_ends_the_worker_and_not_the_server(
    limited: None, output: Any
) -> None:
    assert run(b"x", output, kind="score") == {"score": 1000}


def test_processor_time_is_limited_and_the_user_learns_why(limited: None, output: Any) -> None:
    with pytest.raises(PictureRejected, match="too_slow"):
        run(b"x", output, kind="time")


def test_a_crash_of_a_decoder_is_a_damaged_picture(
    limited: None, output: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(PictureRejected, match="damaged"):
        run(b"x", output, kind="crash")
    assert "exit code" in caplog.text


def test_a_worker_that_the_system_has_killed_is_no_damaged_picture(limited: None, output: Any) -> None:
    """For want of memory: later there may be some."""
    with pytest.raises(WorkerBusy):
        run(b"x", output, kind="killed")


def test_output_is_limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: Any) -> None:
    replaced(
        monkeypatch, tmp_path, LIMITED.replace("limits.CPU", "limits.OUTPUT_BYTES = 3 << 20\nlimits.CPU")
    )
    assert run(b"x", output, kind="output") == {"errno": 27}
    assert os.fstat(output.fileno()).st_size == 3 << 20


def test_an_endless_answer_is_not_collected(
    limited: None, output: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "WORKER_TIMEOUT_SECONDS", 0.5)
    with pytest.raises(WorkerBusy):
        run(b"x", output, kind="answer")


def test_a_full_disk_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a damaged picture: the user may try again."""
    for kind in ("JPEG", "PNG", "WEBP"):
        with open("/dev/full", "wb", buffering=0) as full, tempfile.TemporaryFile() as source:
            source.write(encoded(halves(), kind))
            source.flush()
            source.seek(0)
            outputs = dict.fromkeys(("file", "display", "thumb"), full.fileno())
            with pytest.raises(OSError, match="No space left"):
                run_worker(source.fileno(), outputs, format=kind)


def picture_run(data: bytes, kind: str) -> dict[str, Any]:
    with ExitStack() as stack:
        source, *others = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(4))
        source.write(data)
        source.flush()
        source.seek(0)
        names = ("file", "display", "thumb")
        outputs = {name: file.fileno() for name, file in zip(names, others, strict=True)}
        return {
            **run_worker(source.fileno(), outputs, format=kind),
            "sizes": [sizes(file) for file in others],
        }


def sizes(file: Any) -> int:
    return os.fstat(file.fileno()).st_size


def test_a_picture_that_never_comes_to_an_end_is_too_slow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A progressive JPEG of 30 KB that repeats its last scan: each time all of it is gone through. Here with
    so many scans as are refused otherwise."""
    quick = "limits.CPU_SECONDS = 1\nfrom accounts.pictures.worker import run\nrun.MOST_SCANS = 5_000\n"
    replaced(monkeypatch, tmp_path, f"{quick}sys.exit(run.main())")
    jpeg = encoded(Image.new("L", (3_000, 3_000), 128), "JPEG", progressive=True)
    last, end = jpeg.rindex(b"\xff\xda"), jpeg.rindex(b"\xff\xd9")
    with pytest.raises(PictureRejected, match="too_slow"):
        picture_run(jpeg[:end] + jpeg[last:end] * 1_000 + jpeg[end:], "JPEG")


def test_the_largest_photo_of_a_phone_passes() -> None:
    """Forty megapixels, on their side, with a profile to convert: the most memory that a photo takes."""
    photo = Image.linear_gradient("L").resize((8_000, 5_000)).convert("RGB")
    options = {"exif": files.turned_sideways(), "icc_profile": files.swapped_profile()}
    answer = picture_run(encoded(photo, "JPEG", **options), "JPEG")
    assert (answer["width"], answer["height"]) == (5_000, 8_000)


def test_a_picture_for_which_there_is_no_memory_has_too_many_points() -> None:
    """The decoder of WebP holds three copies."""
    webp = encoded(Image.new("RGB", (7_900, 5_000), (120, 90, 60)), "WEBP", method=0)
    with pytest.raises(PictureRejected, match="too_many_pixels"):
        picture_run(webp, "WEBP")


def waits(*, forks: bool) -> str:
    child = "\nif os.fork() == 0:\n    os.setpgid(0, 0) if job.get('leaves') else None" if forks else ""
    return f"{child}\nos.write(output, b'started')\nimport signal\nwhile True:\n    signal.pause()\n"


def ended(reading: int) -> bool:
    """Whether all processes that held the writing end are gone. Blocks until they are."""
    while os.read(reading, 100):
        pass
    return True


class PipeEnd:
    """The writing end of a pipe as an output: it closes when the last process that has it ends."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def fileno(self) -> int:
        return self.writing


def test_after_the_timeout_the_worker_is_killed_with_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before it has given up starting processes."""
    replaced(monkeypatch, tmp_path, waits(forks=True))
    monkeypatch.setattr(sandbox, "WORKER_TIMEOUT_SECONDS", 0.5)
    pipe = PipeEnd()
    with pytest.raises(WorkerBusy):
        run(b"x", pipe)
    os.close(pipe.writing)
    assert ended(pipe.reading)
    os.close(pipe.reading)


SERVER = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from accounts.pictures import permits, sandbox
sandbox.WORKER = Path({worker!r})
sandbox.run_worker(0, {{"out": {writing}}})
"""


def test_a_worker_ends_with_its_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server that is killed cannot kill its workers."""
    replaced(monkeypatch, tmp_path, "limits.apply(job['parent'])" + waits(forks=False))
    pipe = PipeEnd()
    program = SERVER.format(root=str(ROOT), worker=str(sandbox.WORKER), writing=pipe.writing)
    server = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, pass_fds=[pipe.writing]
    )
    os.close(pipe.writing)
    assert os.read(pipe.reading, 100) == b"started"
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert ended(pipe.reading)
    os.close(pipe.reading)


def test_a_permit_is_given_back_however_the_worker_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: Any
) -> None:
    monkeypatch.setattr(permits, "WORKERS", 1)
    monkeypatch.setattr(permits, "PATIENCE_SECONDS", 0.0)
    with sandbox.PERMITS.permit("bob"), pytest.raises(WorkerBusy):
        run(b"x", output, user="alice")
    monkeypatch.setattr(sandbox, "WORKER", Path("/nonexistent"))
    with pytest.raises(PictureRejected):
        run(b"x", output, user="alice")
    monkeypatch.setattr(sandbox.sys, "executable", "/nonexistent/python")
    with pytest.raises(WorkerBusy):
        run(b"x", output, user="alice")
    assert sandbox.PERMITS.places == []


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
def test_without_a_process_for_it_the_picture_may_come_again(
    number: int, output: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a fault of the picture nor of the disk, nor an error page."""

    def fails(*args: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(*((os, "pipe") if number == errno.EMFILE else (subprocess, "Popen")), fails)
    with pytest.raises(WorkerBusy):
        run(b"x", output)
    assert "no process could be started" in caplog.text


ANSWERED = """
import pathlib
os.write(1, pathlib.Path(__file__).with_name("answer").read_bytes())
"""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no JSON",
        b"[1]",
        b"\xff\xfe",
        b"[" * 16_000,
        b"1" * 5_000,
        b'{"rejected": "<script>alert(1)</script>"}',
        b'{"rejected": ["damaged"]}',
        b'{"rejected": null}',
        b'{"failed": "28"}',
        b'{"failed": [28]}',
        b'{"failed": 13}',
        b'{"failed": NaN}',
    ],
    ids=lambda answer: answer[:30].decode("latin-1"),
)
def test_an_answer_that_no_worker_of_ours_gives_is_a_damaged_picture(
    answer: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: Any
) -> None:
    """A decoder that was taken over writes the answer as well: no error page, no words of its own (T40)."""
    replaced(monkeypatch, tmp_path, ANSWERED)
    (tmp_path / "answer").write_bytes(answer)
    with pytest.raises(PictureRejected) as rejected:
        run(b"x", output)
    assert rejected.value.reason == "damaged"


@pytest.mark.parametrize(
    ("kind", "moves"),
    [("JPEG", False), *((kind, moves) for kind in ("PNG", "WEBP", "GIF") for moves in (False, True))],
)
def test_each_format_is_processed_inside_of_the_sandbox(kind: str, moves: bool) -> None:
    """The other tests run the same code without it: here it is shown that nothing is missing."""
    answer = picture_run(moving(kind) if moves else encoded(halves(2_100, 1_000, "L"), kind), kind)
    assert answer["type"] == f"image/{kind.lower()}"
    assert {"seccomp", "landlock", "namespaces"} & set(answer["sandbox"])
    assert min(answer["sizes"]) > 20


def test_the_worker_does_not_import_the_product() -> None:
    """Not Django, not the settings, nothing that knows a key: only its own modules and Pillow."""
    program = (
        "import sys, runpy; sys.argv = ['', '{}']; import accounts.pictures.worker.run; print(*sys.modules)"
    )
    listed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(listed.stdout.split())
    assert "PIL.Image" in loaded
    assert not {"django", "conversations", "dm_project", "accounts.models"} & loaded
    ours = {name for name in loaded if name.startswith("accounts.")}
    assert all(name.startswith("accounts.pictures") for name in ours)
    assert json.dumps(sorted(ours))
