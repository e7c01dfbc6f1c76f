"""Look at one picture: is it worth a call, and what does it say?

python samples/one_image.py samples/images/receipt.jpg
"""

import sys

import cloudvision


def main(path: str) -> None:
    image = cloudvision.load(path)
    verdict = cloudvision.Gate.load().judge(image)
    print(f"{image.width}x{image.height} {image.format}, score {verdict.score:.2f}, worth a call: {verdict.worth}")
    if verdict.worth:
        provider = cloudvision.open_provider("local-ocr")
        analysis = provider.parse(provider.call(image))
        for line in analysis.lines or ():
            print(f"{line.confidence:.2f}  {line.text}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
