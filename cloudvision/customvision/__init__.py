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
