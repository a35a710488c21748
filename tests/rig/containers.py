"""Parses deploy/Dockerfile and .dockerignore without Docker: the build context and its use."""

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.rig.environment import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """One instruction with its continuation lines joined: COPY, ["requirements.txt", "./"]."""

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
    """The sources of every COPY and ADD from the build context, not from another stage."""
    copies = [
        found for found in instructions(text) if found.name in {"COPY", "ADD"} and "--from=" not in found.text
    ]
    return [source for found in copies for source in found.words[:-1]]


def pattern_of(glob: str) -> re.Pattern[str]:
    """A line of .dockerignore: `*` matches within a folder, `**` across; a folder includes its content."""
    parts = {"**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = "".join(
        parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
    )
    return re.compile(rf"{pattern}(?:/.*)?\Z")


def is_sent(path: str, ignore: str) -> bool:
    """Is this file in the build context? The last matching line of .dockerignore decides."""
    lines = [line.strip() for line in ignore.splitlines() if line.strip() and not line.startswith("#")]
    verdicts = [line.startswith("!") for line in lines if pattern_of(line.removeprefix("!")).match(path)]
    return verdicts[-1] if verdicts else True


def send_context(folder: Path, ignore: str) -> None:
    """Copy the build context into this folder. Skips `.git` and `.venv`, which have thousands of files."""
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if name.split("/")[0] not in {".git", ".venv"} and path.is_file() and is_sent(name, ignore):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
