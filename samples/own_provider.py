"""A provider of your own: two methods and two prices, and the pipeline does the rest.

    python samples/own_provider.py samples/images/*.jpg

This one asks nobody: it tells the mean brightness of a picture. Put your HTTP call into `call`, and reading its answer
into `parse`; raise only errors of `cloudvision.errors`.
"""

import json
import sys

import cloudvision
from cloudvision.errors import ConfigError, UnexpectedAnswerError


class Brightness:
    """Labels a picture "bright" or "dark"."""

    name = "brightness"
    fingerprint = "1"  # change it whenever the same picture would get another answer

    def call(self, image: cloudvision.Image | cloudvision.Remote, /) -> cloudvision.Raw:
        if isinstance(image, cloudvision.Remote):
            raise ConfigError("brightness looks at pixels: give it a file or a URL")
        mean = float(image.pixels(max_side=64).mean()) / 255
        return cloudvision.Raw(body=json.dumps({"brightness": mean}), width=image.width, height=image.height)

    def parse(self, raw: cloudvision.Raw, /) -> cloudvision.Analysis:
        try:
            mean = json.loads(raw.body)["brightness"]
        except (ValueError, KeyError, TypeError) as exc:
            raise UnexpectedAnswerError("no brightness in the answer", provider=self.name, billed=True) from exc
        label = cloudvision.Label("bright", mean) if mean >= 0.5 else cloudvision.Label("dark", 1 - mean)
        return cloudvision.Analysis(width=raw.width, height=raw.height, labels=(label,))

    def worst_cost(self, image: cloudvision.Image | cloudvision.Remote, /) -> int:
        return 0  # millionths of a US dollar

    def cost(self, raw: cloudvision.Raw, /) -> int:
        return 0


def main(paths: list[str]) -> None:
    pipeline = cloudvision.Pipeline(Brightness())
    for outcome in cloudvision.run_many(pipeline, paths, workers=2):
        if isinstance(outcome, cloudvision.Analysed):
            for label in outcome.analysis.labels or ():
                print(f"{label.name:6}  {label.confidence:.2f}  {outcome.source}")
        else:
            print(outcome)


if __name__ == "__main__":
    main(sys.argv[1:])
