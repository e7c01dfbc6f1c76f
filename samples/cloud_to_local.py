"""From the cloud to this machine by changing one name: the same pipeline asks Custom Vision, and a model of your own.

    python samples/cloud_to_local.py azure-custom-vision photos/*.jpg        # 0.002 USD a picture
    python samples/cloud_to_local.py onnx photos/*.jpg                       # free
    python samples/cloud_to_local.py azure-custom-vision,onnx photos/*.jpg   # both, and whether they agree

The cloud needs CUSTOM_VISION_PREDICTION_ENDPOINT and _KEY, CUSTOM_VISION_PROJECT_ID and CUSTOM_VISION_PUBLISHED_NAME; this
machine needs ONNX_MODEL: the folder or .zip of the project's ONNX export, or a folder that `cloudvision train` wrote.
"""

import sys
from itertools import pairwise

import cloudvision


def surest(analysis: cloudvision.Analysis) -> str:
    """The surest label of a classifier, or of a detector's regions."""
    found = analysis.labels or analysis.regions or ()
    return found[0].name if found else "(nothing)"


def ask(name: str, paths: list[str]) -> list[str | None]:
    """What one provider says of each picture; None where it could not say anything."""
    pipeline = cloudvision.Pipeline(cloudvision.open_provider(name))
    said: list[str | None] = []
    for outcome in cloudvision.run_many(pipeline, paths):
        if isinstance(outcome, cloudvision.Analysed):
            said.append(surest(outcome.analysis))
            print(f"{name:20}  {outcome.source}  {said[-1]}")
        else:
            said.append(None)
            print(f"{name:20}  {outcome}")
    return said


def main(names: list[str], paths: list[str]) -> None:
    answers = [ask(name, paths) for name in names]
    for (one, other), (here, there) in zip(pairwise(names), pairwise(answers), strict=True):
        same = sum(a == b and a is not None for a, b in zip(here, there, strict=True))
        print(f"{one} and {other} agree on {same} of {len(paths)} pictures")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1].split(","), sys.argv[2:])
