"""What mkdocs calls while it builds the site: adds the generated pages."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parents[2]))  # mkdocs imports this file by its path

from docs.generating.pages import generated_pages


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add each generated page; a file of the same place is replaced."""
    for place, text in generated_pages().items():
        files.append(File.generated(config, place, content=text))
    return files
