"""The tutorial notebook as a page; CI executes the notebook itself."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["notebook_page"]


def notebook_page(notebook: Path) -> str:
    """Markdown cells as they are, code cells as code; outputs are left out."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return "\n\n".join(
        f"```python\n{text}\n```" if kind == "code" else text for kind, text in texts
    )
