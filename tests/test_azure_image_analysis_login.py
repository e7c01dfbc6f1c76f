"""Keys, tokens, endpoints, proxies and certificates of the Azure adapter."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import azure.identity
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from cloudvision import images
from cloudvision.errors import AuthError, ConfigError, UnavailableError
from cloudvision.images import Image
from cloudvision.provider import open_provider
from cloudvision.providers._options import Options
from cloudvision.providers.azure_image_analysis import AzureImageAnalysis
from tests.image_analysis_double import KEY, TOKEN, Double, Reply, error, image_analysis_double
from tests.pictures import png

FAR_FUTURE = 4_000_000_000


@pytest.fixture
def double() -> Iterator[Double]:
    with image_analysis_double() as running:
        yield running


@pytest.fixture
def picture() -> Image:
    return images.load(png())


@dataclass
class Tokens:
    """A credential that hands out its tokens in turn, the last one for ever; it counts how often it was asked."""

    tokens: list[str]
    scopes: list[tuple[str, ...]] = field(default_factory=list)

    def get_token(self, *scopes: str, claims: str | None = None, **_: object) -> AccessToken:
        self.scopes.append(scopes)
        return AccessToken(self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0], FAR_FUTURE)


@dataclass
class NoToken:
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        raise ClientAuthenticationError(message="no sign-in found\nsecond line")


def test_a_token_is_sent_as_bearer_over_plain_http_to_this_machine_only(double: Double, picture: Image) -> None:
    credential = Tokens([TOKEN])
    AzureImageAnalysis(endpoint=double.url, credential=credential).call(picture)
    assert double.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert credential.scopes == [("https://cognitiveservices.azure.com/.default",)]


def test_an_expired_token_is_refreshed_once_and_the_call_succeeds(double: Double, picture: Image) -> None:
    raw = AzureImageAnalysis(endpoint=double.url, credential=Tokens(["expired", TOKEN])).call(picture)
    assert raw.status == 200
    assert [request.headers["authorization"] for request in double.seen] == ["Bearer expired", f"Bearer {TOKEN}"]


def test_a_token_that_stays_refused_is_an_auth_error_after_two_requests(double: Double, picture: Image) -> None:
    with pytest.raises(AuthError) as caught:
        AzureImageAnalysis(endpoint=double.url, credential=Tokens(["bad"])).call(picture)
    assert len(double.seen) == 2
    assert caught.value.fatal
    assert caught.value.billed is False


def test_the_refresh_that_the_service_itself_asks_for_is_the_only_one(double: Double, picture: Image) -> None:
    challenge = 'Bearer error="insufficient_claims", claims="eyJhIjoxfQ=="'
    refusals = [error(401, "401", "claims", WWW_Authenticate=challenge)] * 3
    double.answer(*refusals)
    with pytest.raises(AuthError):
        AzureImageAnalysis(endpoint=double.url, credential=Tokens(["one", "two"])).call(picture)
    assert [request.headers["authorization"] for request in double.seen] == ["Bearer one", "Bearer two"]


def test_a_refused_key_is_not_tried_again(double: Double, picture: Image) -> None:
    with pytest.raises(AuthError, match="VISION_KEY"):
        AzureImageAnalysis(endpoint=double.url, key="wrong").call(picture)
    assert len(double.seen) == 1


def test_without_a_key_the_default_chain_is_asked_anew_after_an_expired_token(
    double: Double, picture: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [Tokens(["expired"]), Tokens([TOKEN])]
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", lambda: made.pop(0))
    provider = open_provider("azure-image-analysis", env={"VISION_ENDPOINT": double.url})
    assert provider.call(picture).status == 200
    assert made == []


def test_no_token_at_all_says_how_to_sign_in(double: Double, picture: Image) -> None:
    with pytest.raises(AuthError, match=r"no sign-in found; set VISION_KEY, or sign in \(az login\)"):
        AzureImageAnalysis(endpoint=double.url, credential=NoToken()).call(picture)
    assert double.seen == []


@pytest.mark.parametrize(
    ("endpoint", "key", "words"),
    [
        (None, KEY, "VISION_ENDPOINT is not set"),
        ("  ", KEY, "VISION_ENDPOINT is not set"),
        ("name.cognitiveservices.azure.com", KEY, "VISION_ENDPOINT is not an endpoint"),
        ("https://user:pw@name.example", KEY, "VISION_ENDPOINT is not an endpoint"),
        ("http://name.cognitiveservices.azure.com", KEY, "must begin with https"),
        ("http://name.cognitiveservices.azure.com", None, "must begin with https"),
        ("http://127.0.0.1.example", KEY, "must begin with https"),
        ("https://eastus.api.cognitive.microsoft.com", None, "regional endpoints refuse Entra ID tokens"),
        ("https://name.cognitiveservices.azure.com", "ke\ny", "VISION_KEY holds characters"),
        ("https://name.cognitiveservices.azure.com", "schlüssel", "VISION_KEY holds characters"),
    ],
)
def test_a_set_up_that_cannot_work_is_named_before_anything_is_sent(
    picture: Image, endpoint: str | None, key: str | None, words: str
) -> None:
    provider = AzureImageAnalysis(endpoint=endpoint, key=key, credential=Tokens([TOKEN]))
    with pytest.raises(ConfigError, match=words) as caught:
        provider.call(picture)
    assert key is None or key not in str(caught.value)


def test_blanks_around_key_and_endpoint_do_no_harm(double: Double, picture: Image) -> None:
    AzureImageAnalysis(endpoint=f" {double.url}/ \n", key=f"{KEY}\n").call(picture)
    assert double.seen[0].path == "/computervision/imageanalysis:analyze"


def test_https_proxy_from_the_environment_is_used(
    double: Double, picture: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", double.url)
    provider = AzureImageAnalysis(endpoint="https://name.cognitiveservices.azure.com", key=KEY)
    with pytest.raises(UnavailableError) as caught:
        provider.call(picture)
    assert [request.path for request in double.seen] == ["name.cognitiveservices.azure.com:443"]
    assert caught.value.billed is False


def test_nothing_printable_holds_the_secret(double: Double, picture: Image) -> None:
    double.answer(Reply(401, {"error": {"code": "401", "message": "no"}}), Reply(500, b"<h1>oops</h1>"))
    provider = AzureImageAnalysis(endpoint=double.url, key=KEY)
    texts = [repr(provider), provider.fingerprint]
    for _ in range(2):
        with pytest.raises((AuthError, UnavailableError)) as caught:
            provider.call(picture)
        texts.append("".join(traceback.format_exception(caught.value)))
    assert not [text for text in texts if KEY in text]


def test_a_certificate_that_nobody_knows_says_what_to_set(
    tls_double: tuple[str, Path], picture: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = tls_double
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    provider = AzureImageAnalysis(endpoint=url, key=KEY, options=Options(timeout_s=5))
    with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE"):
        provider.call(picture)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert provider.call(picture).status == 200


@pytest.fixture
def tls_double(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The double behind TLS with a certificate of its own, and the file that vouches for it."""
    with image_analysis_double(certificate_in=tmp_path) as running:
        yield running.url, tmp_path / "certificate.pem"
