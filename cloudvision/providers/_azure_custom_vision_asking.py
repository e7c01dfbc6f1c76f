"""The two ways of asking Custom Vision about a picture: a published iteration, and any iteration as a quick test."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudvision.errors import ConfigError
from cloudvision.images import Prepared
from cloudvision.providers._azure_custom_vision import Credential
from cloudvision.providers._azure_errors import Resource

if TYPE_CHECKING:
    from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
    from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient

NAME = "azure-custom-vision"
PREDICTION = Resource(
    NAME, "CUSTOM_VISION_PREDICTION_ENDPOINT", "CUSTOM_VISION_PREDICTION_KEY", kind="Custom Vision prediction"
)
TRAINING = Resource(
    NAME, "CUSTOM_VISION_TRAINING_ENDPOINT", "CUSTOM_VISION_TRAINING_KEY", kind="Custom Vision training"
)
PROJECT, PUBLISHED = "CUSTOM_VISION_PROJECT_ID", "CUSTOM_VISION_PUBLISHED_NAME"
_HEADERS = {PREDICTION: "Prediction-key", TRAINING: "Training-key"}


@dataclass(frozen=True, slots=True)
class Target:
    """Which iteration of which project is asked, and what for.

    Args:
        project: the project's id; None where nobody said it.
        model: the published name, or an iteration's id, which is asked as a quick test of the training resource.
        detects: objects with boxes are asked for, not labels.
        store: the service keeps picture and prediction.
    """

    project: str | None
    model: str | None
    detects: bool
    store: bool

    @property
    def is_iteration(self) -> bool:
        return self.model is not None and is_id(self.model)

    @property
    def resource(self) -> Resource:
        """Whose endpoint and key are used."""
        return TRAINING if self.is_iteration else PREDICTION

    @property
    def key_header(self) -> str:
        return _HEADERS[self.resource]

    def checked(self) -> Target:
        """The same.

        Raises:
            ConfigError: project or model are not set.
        """
        if self.project is None:
            raise ConfigError(f"{NAME}: {PROJECT} is not set; it is the project's id, in the portal under its settings")
        if self.model is None:
            raise ConfigError(
                f"{NAME}: {PUBLISHED} is not set; give the name that the iteration was published under, there or with "
                "--model"
            )
        return self

    def client(self, endpoint: str, credential: Credential) -> Any:
        """The SDK's client of that resource."""
        if self.is_iteration:
            from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient

            return CustomVisionTrainingClient(endpoint, credential)  # type: ignore[no-untyped-call]
        from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient

        return CustomVisionPredictionClient(endpoint, credential)  # type: ignore[no-untyped-call]

    def send(self, client: Any, what: Prepared | str) -> None:
        """One call of the SDK; `what` is a picture or its URL."""
        # A new stream for each attempt: the first one reads it to its end.
        given = io.BytesIO(what.data) if isinstance(what, Prepared) else what
        if self.is_iteration:
            self._quick_test(client, given)
        else:
            self._published(client, given)

    def _quick_test(self, client: CustomVisionTrainingClient, given: io.BytesIO | str) -> None:
        ask = client.quick_test_image_url if isinstance(given, str) else client.quick_test_image
        ask(self.project, given, iteration_id=self.model, store=self.store)

    def _published(self, client: CustomVisionPredictionClient, given: io.BytesIO | str) -> None:
        ways: Mapping[tuple[bool, bool, bool], Any] = {
            (False, False, False): client.classify_image_with_no_store,
            (False, False, True): client.classify_image,
            (False, True, False): client.classify_image_url_with_no_store,
            (False, True, True): client.classify_image_url,
            (True, False, False): client.detect_image_with_no_store,
            (True, False, True): client.detect_image,
            (True, True, False): client.detect_image_url_with_no_store,
            (True, True, True): client.detect_image_url,
        }
        ways[self.detects, isinstance(given, str), self.store](self.project, self.model, given)


def is_id(text: str) -> bool:
    """True for what is written like the service's ids."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
