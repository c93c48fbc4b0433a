"""The one error of the embedded server."""

from __future__ import annotations

from project.errors import ProjectError


class EmbeddedServerError(ProjectError):
    """The embedded server cannot do what was asked; one line that says the mend."""
