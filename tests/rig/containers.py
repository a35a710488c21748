"""Reads deploy/Dockerfile and .dockerignore without Docker: which files a build is sent, and what it does with them."""

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.rig.environment import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined: COPY, ["requirements.txt", "./"]."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return [word for word in shlex.split(self.text) if not word.startswith("--")]


def instructions(text: str) -> list[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        Instruction(name.upper(), rest.strip())
        for name, _, rest in (line.partition(" ") for line in joined.splitlines())
    ]


def copied_from_context(text: str) -> list[str]:
    """The sources of every COPY and ADD that come from the folder of the build, not from another stage."""
    copies = [
        found for found in instructions(text) if found.name in {"COPY", "ADD"} and "--from=" not in found.text
    ]
    return [source for found in copies for source in found.words[:-1]]


def pattern_of(glob: str) -> re.Pattern[str]:
    """A line of .dockerignore: `*` stays within a folder, `**` does not, and what is said of a folder is said of all in it."""
    parts = {"**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = "".join(
        parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
    )
    return re.compile(rf"{pattern}(?:/.*)?\Z")


def is_sent(path: str, ignore: str) -> bool:
    """Does this file pass .dockerignore? The last line that matches decides."""
    lines = [line.strip() for line in ignore.splitlines() if line.strip() and not line.startswith("#")]
    verdicts = [line.startswith("!") for line in lines if pattern_of(line.removeprefix("!")).match(path)]
    return verdicts[-1] if verdicts else True


def send_context(folder: Path, ignore: str) -> None:
    """Copy into this folder what Docker would be sent. `.git` and environments are left out unread: they are thousands of files."""
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if name.split("/")[0] not in {".git", ".venv"} and path.is_file() and is_sent(name, ignore):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
