"""Custom Vision's training side: projects, uploading, training, evaluating, publishing and exporting.

::

    resource = TrainingResource.from_env(os.environ)
    project = create_project(resource, "fruit", kind="multiclass", domain="General (compact)")
    found = check(read_annotations(Path("fruit/")), kind=project.kind)
    report = upload(resource, project, found.ready, notes=Path("fruit.upload.jsonl"))
    training = train(resource, project)
    iteration = wait_for(resource, project, training.iteration)
    publish(resource, project, iteration, "v1.0.0", prediction_resource)

`import cloudvision.customvision` is explicit; calls need the extra `azure`. The service ends on 2028-09-25.
"""

from __future__ import annotations

from cloudvision.customvision.answers import Domain, Iteration, Kind, Project, Tag
from cloudvision.customvision.comparing import Comparison, Share, compare, compared
from cloudvision.customvision.exporting import Exported, download, export
from cloudvision.customvision.iterations import (
    Training,
    find_iteration,
    get_iteration,
    list_iterations,
    train,
    training_cost,
    wait_for,
)
from cloudvision.customvision.performance import Performance, Quality, evaluate
from cloudvision.customvision.predicting import Guess, predict
from cloudvision.customvision.preflight import Preflight, Ready, check
from cloudvision.customvision.projects import (
    create_project,
    delete_project,
    domains,
    find_domain,
    find_project,
    list_projects,
)
from cloudvision.customvision.publishing import (
    Rollback,
    check_resource_id,
    delete_iteration,
    publish,
    roll_back,
    unpublish,
    version_of,
    versions,
)
from cloudvision.customvision.resource import TrainingResource
from cloudvision.customvision.tags import ensure_tags, list_tags
from cloudvision.customvision.upload import Uploaded, UploadReport, upload

__all__ = [
    "Comparison",
    "Domain",
    "Exported",
    "Guess",
    "Iteration",
    "Kind",
    "Performance",
    "Preflight",
    "Project",
    "Quality",
    "Ready",
    "Rollback",
    "Share",
    "Tag",
    "Training",
    "TrainingResource",
    "UploadReport",
    "Uploaded",
    "check",
    "check_resource_id",
    "compare",
    "compared",
    "create_project",
    "delete_iteration",
    "delete_project",
    "domains",
    "download",
    "ensure_tags",
    "evaluate",
    "export",
    "find_domain",
    "find_iteration",
    "find_project",
    "get_iteration",
    "list_iterations",
    "list_projects",
    "list_tags",
    "predict",
    "publish",
    "roll_back",
    "train",
    "training_cost",
    "unpublish",
    "upload",
    "version_of",
    "versions",
    "wait_for",
]
