"""The domains of Custom Vision: what a project's model is made for. Ids as in the service's documentation."""

from __future__ import annotations

from dataclasses import dataclass

_PLATFORMS = ("CoreML", "TensorFlow", "DockerFile", "ONNX", "VAIDK")


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain; `platforms` is what its models can be exported for."""

    id: str
    name: str
    type: str
    platforms: tuple[str, ...] = ()


DOMAINS = (
    Domain("ee85a74c-405e-4adc-bb47-ffa8ca0c9f31", "General", "Classification"),
    Domain("a8e3c40f-fb4a-466f-832a-5e457ae4a344", "General [A1]", "Classification"),
    Domain("2e37d7fb-3a54-486a-b4d6-cfc369af0018", "General [A2]", "Classification"),
    Domain("c151d5b5-dd07-472a-acc8-15d29dea8518", "Food", "Classification"),
    Domain("ca455789-012d-4b50-9fec-5bb63841c793", "Landmarks", "Classification"),
    Domain("b30a91ae-e3c1-4f73-a81e-c270bff27c39", "Retail", "Classification"),
    Domain("0732100f-1a38-4e49-a514-c9b44c697ab5", "General (compact)", "Classification", _PLATFORMS),
    Domain("a1db07ca-a19a-4830-bae8-e004a42dc863", "General (compact) [S1]", "Classification", _PLATFORMS),
    Domain("b5cfd229-2ac7-4b2b-8d0a-2b0661344894", "Landmarks (compact)", "Classification", _PLATFORMS),
    Domain("6b4faeda-8396-481b-9f8b-177b9fa3097f", "Retail (compact)", "Classification", _PLATFORMS),
    Domain("da2e3a8a-40a5-4171-82f4-58522f70fbc1", "General", "ObjectDetection"),
    Domain("9c616dff-2e7d-ea11-af59-1866da359ce6", "General [A1]", "ObjectDetection"),
    Domain("1d8ffafe-ec40-4fb2-8f90-72b3b6cecea4", "Logo", "ObjectDetection"),
    Domain("3780a898-81c3-4516-81ae-3a139614e1f3", "Products on Shelves", "ObjectDetection"),
    Domain("a27d5ca5-bb19-49d8-a70a-fec086c47f5b", "General (compact)", "ObjectDetection", _PLATFORMS),
    Domain("7ec2ac80-887b-48a6-8df9-8b1357765430", "General (compact) [S1]", "ObjectDetection", _PLATFORMS),
)


def find_domain(domain_id: str) -> Domain | None:
    """The domain of that id."""
    return next((domain for domain in DOMAINS if domain.id == domain_id.lower()), None)
