"""What a route of Custom Vision names, found in the store."""

from __future__ import annotations

from cloudvision.emulator import custom_vision_wire as wire
from cloudvision.emulator.accounts import Account
from cloudvision.emulator.custom_vision_state import Iteration, Picture, Project, Store, Tag
from cloudvision.emulator.service import Call


class Lookup(Store):
    """A store that is asked with requests."""

    def project(self, call: Call, account: Account) -> Project:
        """The project that a route names.

        Raises:
            Refusal: the account has none of that id.
        """
        found = self.projects.get(call.places["project"].lower())
        if found is None or found.account != account.name:
            raise wire.not_found("Project")
        return found

    def iteration(self, project: Project, iteration_id: str) -> Iteration:
        """One of a project's iterations.

        Raises:
            Refusal: it has none of that id.
        """
        found = project.iterations.get(iteration_id.lower())
        if found is None:
            raise wire.not_found("Iteration")
        return found

    def holdings(self, project: Project, call: Call) -> tuple[dict[str, Tag], dict[str, Picture]]:
        """Tags and pictures as they are, or as they were for the iteration that the query names."""
        wanted = wire.parameters(call).get("iterationid")
        if not wanted:
            return project.tags, project.pictures
        iteration = self.iteration(project, wanted)
        return iteration.tags, iteration.pictures
