"""Keys, tokens, endpoints and proxies of the adapter for Custom Vision, whose SDK knows no tokens of its own."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloudvision import images
from cloudvision.errors import AuthError, ConfigError, UnavailableError
from cloudvision.images import Image
from cloudvision.provider import open_provider
from cloudvision.providers._azure_custom_vision_credential import EntraCredential, KeyCredential
from cloudvision.providers._options import Options
from cloudvision.providers.azure_custom_vision import AzureCustomVision
from tests.custom_vision_double import KEY, PROJECT, PUBLISHED, TOKEN, Double, Reply, custom_vision_double, gateway
from tests.pictures import png

identity = pytest.importorskip("azure.identity", reason="needs the extra azure")
from azure.core.credentials import AccessToken  # noqa: E402
from azure.core.exceptions import ClientAuthenticationError  # noqa: E402

FAR_FUTURE = 4_000_000_000


@pytest.fixture(scope="module")
def shared_double() -> Iterator[Double]:
    with custom_vision_double() as running:
        yield running


@pytest.fixture
def double(shared_double: Double) -> Double:
    shared_double.seen.clear()
    return shared_double


@pytest.fixture
def picture() -> Image:
    return images.load(png())


@dataclass
class Tokens:
    """A credential that hands out its tokens in turn, the last one for ever."""

    tokens: list[str]
    scopes: list[tuple[str, ...]] = field(default_factory=list)

    def get_token(self, *scopes: str, claims: str | None = None, **_: object) -> AccessToken:
        self.scopes.append(scopes)
        return AccessToken(self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0], FAR_FUTURE)


@dataclass
class NoToken:
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        raise ClientAuthenticationError(message="no sign-in found\nsecond line")


def asking(endpoint: str | None, credential: object = None, key: str | None = None) -> AzureCustomVision:
    return AzureCustomVision(
        endpoint=endpoint,
        key=key,
        credential=credential,  # type: ignore[arg-type]
        project=PROJECT,
        options=Options(model=PUBLISHED),
    )


def sent(double: Double) -> list[str | None]:
    return [request.headers.get("authorization") for request in double.seen]


def test_a_token_is_sent_as_bearer(double: Double, picture: Image) -> None:
    credential = Tokens([TOKEN])
    assert 200 == asking(double.url, credential).call(picture).status
    assert [f"Bearer {TOKEN}"] == sent(double)
    assert [("https://cognitiveservices.azure.com/.default",)] == credential.scopes


def test_every_call_asks_for_the_token_of_now(double: Double, picture: Image) -> None:
    double.tokens |= {"first", "second"}
    provider = asking(double.url, Tokens(["first", "second"]))
    for _ in range(2):
        provider.call(picture)
    assert ["Bearer first", "Bearer second"] == sent(double)


def test_an_expired_token_is_refreshed_once_and_the_call_succeeds(double: Double, picture: Image) -> None:
    assert 200 == asking(double.url, Tokens(["expired", TOKEN])).call(picture).status
    assert ["Bearer expired", f"Bearer {TOKEN}"] == sent(double)
    # The picture is whole in both.
    assert all(png() in request.body for request in double.seen)


def test_a_token_that_stays_refused_is_an_auth_error_after_two_requests(double: Double, picture: Image) -> None:
    with pytest.raises(AuthError):
        asking(double.url, Tokens(["bad"])).call(picture)
    assert 2 == len(double.seen)


def test_a_refused_key_is_not_tried_again(double: Double, picture: Image) -> None:
    with pytest.raises(AuthError, match="CUSTOM_VISION_PREDICTION_KEY"):
        asking(double.url, key="wrong").call(picture)
    assert 1 == len(double.seen)


def test_without_a_key_the_default_chain_is_asked_anew_after_an_expired_token(
    double: Double, picture: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [Tokens(["expired"]), Tokens([TOKEN])]
    monkeypatch.setattr(identity, "DefaultAzureCredential", lambda: made.pop(0))
    env = {"CUSTOM_VISION_PREDICTION_ENDPOINT": double.url, "CUSTOM_VISION_PROJECT_ID": PROJECT}
    provider = open_provider("azure-custom-vision", Options(model=PUBLISHED), env=env)
    assert 200 == provider.call(picture).status
    assert [] == made


def test_no_token_at_all_says_how_to_sign_in(double: Double, picture: Image) -> None:
    with pytest.raises(AuthError, match=r"no sign-in found; set CUSTOM_VISION_PREDICTION_KEY, or sign in \(az login\)"):
        asking(double.url, NoToken()).call(picture)
    assert [] == double.seen


def test_a_line_in_netrc_does_not_replace_key_or_token(
    double: Double, picture: Image, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password stranger\n", "utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert 200 == asking(double.url, Tokens([TOKEN])).call(picture).status
    assert [f"Bearer {TOKEN}"] == sent(double)


def test_the_credential_works_with_the_bare_sdk(double: Double) -> None:
    from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient

    for credential in (EntraCredential(Tokens([TOKEN])), KeyCredential("Prediction-key", KEY)):
        client = CustomVisionPredictionClient(double.url, credential)
        found = client.classify_image_with_no_store(PROJECT, PUBLISHED, png())
        assert found.predictions[0].tag_name


@pytest.mark.parametrize(
    ("endpoint", "key", "words"),
    [
        (None, KEY, "CUSTOM_VISION_PREDICTION_ENDPOINT is not set"),
        ("name.cognitiveservices.azure.com", KEY, "CUSTOM_VISION_PREDICTION_ENDPOINT is not an endpoint"),
        ("http://name.cognitiveservices.azure.com", KEY, "must begin with https"),
        ("https://eastus.api.cognitive.microsoft.com", None, "regional endpoints refuse Entra ID tokens"),
        ("https://name.cognitiveservices.azure.com", "ke\ny", "CUSTOM_VISION_PREDICTION_KEY holds characters"),
    ],
)
def test_a_set_up_that_cannot_work_is_named_before_anything_is_sent(
    picture: Image, endpoint: str | None, key: str | None, words: str
) -> None:
    provider = asking(endpoint, Tokens([TOKEN]), key)
    with pytest.raises(ConfigError, match=words) as caught:
        provider.call(picture)
    assert key is None or key not in str(caught.value)


def test_https_proxy_from_the_environment_is_used(
    double: Double, picture: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", double.url)
    double.answer(Reply(502))
    with pytest.raises(UnavailableError) as caught:
        asking("https://name.cognitiveservices.azure.com", key=KEY).call(picture)
    assert ["CONNECT name.cognitiveservices.azure.com:443"] == [each.line.rpartition(" ")[0] for each in double.seen]
    assert caught.value.billed is False


def test_nothing_printable_holds_the_secret(double: Double, picture: Image) -> None:
    double.answer(gateway(401, "no"), Reply(500, b"<h1>oops</h1>"))
    provider = asking(double.url, key=KEY)
    shown = [repr(provider), repr(KeyCredential("Prediction-key", KEY)), repr(EntraCredential(Tokens([TOKEN])))]
    for _ in range(2):
        with pytest.raises((AuthError, UnavailableError)) as caught:
            provider.call(picture)
        shown += [str(caught.value), repr(vars(caught.value)), *traceback.format_exception(caught.value)]
    assert not [text for text in shown if KEY in text or TOKEN in text]
