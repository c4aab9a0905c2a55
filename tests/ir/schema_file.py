"""The published JSON Schema of plans; as a script, writes docs/plan-schema.json anew."""

from __future__ import annotations

import json
from pathlib import Path

from opcompiler.ir.schema import plan_schema

PATH = Path(__file__).parents[2] / "docs" / "plan-schema.json"


def text() -> str:
    return json.dumps(plan_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
    print("wrote", PATH)
