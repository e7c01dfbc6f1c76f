"""What an emulator answered is never handed to a run against the real service."""

from __future__ import annotations

import pytest

from cloudvision.provider import open_provider
from cloudvision.providers._stand_in import stand_in

ENDPOINTS = {
    "aws-rekognition": "AWS_ENDPOINT_URL_REKOGNITION",
    "azure-custom-vision": "CUSTOM_VISION_PREDICTION_ENDPOINT",
    "azure-document-intelligence": "DOCUMENT_INTELLIGENCE_ENDPOINT",
    "azure-image-analysis": "VISION_ENDPOINT",
}
PROJECT = {
    "CUSTOM_VISION_PROJECT_ID": "0732100f-1a38-4e49-a514-c9b44c697ab5",
    "CUSTOM_VISION_PUBLISHED_NAME": "live",
    "AWS_REGION": "eu-west-1",
}


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_answers_of_this_machine_have_keys_of_their_own(name: str) -> None:
    def fingerprint(endpoint: str) -> str:
        return open_provider(name, env=PROJECT | {ENDPOINTS[name]: endpoint}).fingerprint

    one, other = "https://one.cognitiveservices.azure.com", "https://other.cognitiveservices.azure.com/"
    assert fingerprint(one) == fingerprint(other)  # accounts share
    assert fingerprint("http://127.0.0.1:5080") == fingerprint("http://localhost:9000") != fingerprint(one)


@pytest.mark.parametrize("endpoint", ["http://[::1]:80", "http://127.9.9.9", "http://vision.localhost/"])
def test_every_name_of_this_machine_counts(endpoint: str) -> None:
    assert stand_in(endpoint)


@pytest.mark.parametrize("endpoint", [None, "", "http://[", "https://10.0.0.1", "https://example.com", "localhost"])
def test_nothing_else_does(endpoint: str | None) -> None:
    assert not stand_in(endpoint)
