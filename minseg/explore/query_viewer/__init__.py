"""The query viewer: click a query, and see where it looks and what it says, layer by layer."""

from minseg.explore.query_viewer.widget import QueryViewer

__all__ = ["QueryViewer"]
