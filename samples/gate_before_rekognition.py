"""Put the gate in front of Rekognition calls that you make yourself with boto3.

python samples/gate_before_rekognition.py photo1.jpg photo2.jpg
"""

import sys

import boto3

import cloudvision


def main(paths: list[str]) -> None:
    gate = cloudvision.Gate.load()
    rekognition = boto3.client("rekognition")
    called = 0
    for path in paths:
        image = cloudvision.load(path)
        verdict = gate.judge(image)
        if not verdict.worth:
            print(f"skip  {verdict.score:.2f}  {path}")
            continue
        called += 1
        answer = rekognition.detect_text(Image={"Bytes": image.data})
        lines = [found["DetectedText"] for found in answer["TextDetections"] if found["Type"] == "LINE"]
        print(f"call  {verdict.score:.2f}  {path}: {' / '.join(lines)}")
    print(f"{called} of {len(paths)} calls made, {0.001 * (len(paths) - called):.3f} USD saved")


if __name__ == "__main__":
    main(sys.argv[1:])
