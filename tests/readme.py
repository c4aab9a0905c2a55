"""Runs the Python examples of a Markdown file, each in a fresh namespace; as a script, of the file that is named."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def blocks(markdown: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", markdown, re.DOTALL | re.MULTILINE)


def run(path: Path) -> int:
    """Run all Python blocks of a document and return how many there were."""
    examples = blocks(path.read_text("utf-8"), "python")
    for number, example in enumerate(examples, 1):
        # The examples are the project's own documents, not input.
        exec(compile(example, f"{path.name}, example {number}", "exec"), {"__name__": "__example__"})
    return len(examples)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        count = run(Path(name))
        assert count, f"{name} has no Python example"
        print(f"{name}: {count} example{'s' * (count > 1)} ran")
