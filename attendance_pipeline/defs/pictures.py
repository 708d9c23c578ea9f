"""Pictures as the UI shows them: inside the metadata, so that a run keeps its own."""

from base64 import b64encode

import dagster as dg


def picture(png: bytes, what: str) -> dg.MarkdownMetadataValue:
    """A picture; `what` is told where it can't be seen."""
    return dg.MetadataValue.md(f"![{what}](data:image/png;base64,{b64encode(png).decode()})")
