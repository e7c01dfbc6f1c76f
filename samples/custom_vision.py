"""From a folder of pictures to a published Custom Vision model, and what it says of new pictures.

    pip install 'cloudvision-gate[azure]'
    python samples/custom_vision.py fruit PICTURES NEW      # PICTURES/apple/1.jpg, PICTURES/banana/1.jpg, ...

Needs CUSTOM_VISION_TRAINING_ENDPOINT and _KEY, and CUSTOM_VISION_PREDICTION_RESOURCE_ID to publish to; without an account
`cloudvision emulate` prints all three. What was interrupted goes on with the same command, and nothing is uploaded or trained
twice; a quick training is billed by the time it takes (10 USD an hour), and each new picture with 0.002 USD.
"""

import os
import sys
from pathlib import Path

from cloudvision import customvision
from cloudvision.annotations import read_annotations


def main(name: str, pictures: str, new: str) -> None:
    resource = customvision.TrainingResource.from_env(os.environ)
    project = customvision.create_project(
        resource, name, kind="multiclass", domain="General (compact)", platforms=("ONNX",), reuse=True
    )

    found = customvision.check(read_annotations(Path(pictures)), kind=project.kind)
    print(f"{len(found.ready)} pictures can be uploaded: {found.counts}")
    for reason in (*found.blocking, *found.left_out):
        print(f"  {reason}")
    if found.blocking:
        sys.exit("nothing uploaded: a training on this would fail")
    report = customvision.upload(resource, project, found.ready, notes=Path(f"{name}.upload.jsonl"))
    print(f"upload: {report.counts}")

    training = customvision.train(resource, project)
    iteration = customvision.wait_for(
        resource, project, training.iteration, progress=lambda one, passed: print(f"{one.status} {passed:.0f} s")
    )
    for tag, quality in customvision.evaluate(resource, project, iteration, threshold=0.5).tags:
        print(f"{tag}: precision {quality.precision:.2f}, recall {quality.recall:.2f}")

    published = customvision.versions(resource, project)
    if iteration.id not in [one.id for _, one in published]:
        newest = customvision.version_of(published[0][0]) if published else None
        version = f"v{newest[0]}.{newest[1] + 1}.0" if newest else "v1.0.0"
        target = os.environ.get("CUSTOM_VISION_PREDICTION_RESOURCE_ID")
        customvision.publish(resource, project, iteration, version, target)
    print(f"newest version: {customvision.versions(resource, project)[0][0]}")

    for path in sorted(Path(new).iterdir()):
        best = customvision.predict(resource, project, iteration, path)[0]
        print(f"{best.probability:.2f}  {best.name:8}  {path.name}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
