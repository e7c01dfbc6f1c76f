"""How AwsRekognition is set up: keys, region, endpoint, proxy, certificates, and what is said when one is wrong."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudvision.errors import CloudVisionError, ConfigError, RejectedError, UnavailableError
from cloudvision.images import Remote
from cloudvision.providers._aws_client import AwsCredentials
from cloudvision.providers._options import Options
from cloudvision.providers.aws_rekognition import AwsRekognition
from tests.rekognition_double import KEY_ID, REGION, SECRET, Double, rekognition_double

OBJECT = Remote("s3://photos/a/b.jpg", bucket="photos", key="a/b.jpg")


@pytest.fixture(autouse=True)
def no_ambient_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """boto3 finds nothing of this machine's: no keys, no files, no metadata address, no proxy."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def double() -> Iterator[Double]:
    with rekognition_double() as running:
        yield running


def rekognition(url: str) -> AwsRekognition:
    return AwsRekognition(region=REGION, endpoint_url=url, credentials=AwsCredentials(KEY_ID, SECRET))


def failure(provider: AwsRekognition, picture: Remote = OBJECT) -> CloudVisionError:
    with pytest.raises(CloudVisionError) as caught:
        provider.call(picture)
    assert SECRET not in repr(caught.value)
    return caught.value


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_where_nothing_listens_nothing_was_billed() -> None:
    found = failure(rekognition(f"http://127.0.0.1:{closed_port()}"))
    assert isinstance(found, UnavailableError)
    assert found.billed is False
    assert "AWS_ENDPOINT_URL_REKOGNITION" in str(found)


def test_a_dead_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{SECRET}@127.0.0.1:{closed_port()}")
    found = failure(rekognition("http://rekognition.invalid"))
    assert isinstance(found, UnavailableError)
    assert found.billed is False
    assert "HTTPS_PROXY" in str(found)


def test_calls_go_through_the_proxy_of_the_environment(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", double.url)
    rekognition("http://rekognition.invalid").call(OBJECT)
    assert double.requests[0].path == "http://rekognition.invalid/"


def test_without_keys_the_error_names_the_variables() -> None:
    found = failure(AwsRekognition(region=REGION, endpoint_url="http://127.0.0.1:9"))
    assert isinstance(found, ConfigError)
    assert "AWS_ACCESS_KEY_ID" in str(found)


def test_half_a_key_names_the_variables_too() -> None:
    half = AwsCredentials(access_key_id=KEY_ID)
    found = failure(AwsRekognition(region=REGION, endpoint_url="http://127.0.0.1:9", credentials=half))
    assert isinstance(found, ConfigError)
    assert "AWS_SECRET_ACCESS_KEY" in str(found)


def test_without_a_region_the_error_names_the_variable() -> None:
    found = failure(AwsRekognition(credentials=AwsCredentials(KEY_ID, SECRET)))
    assert isinstance(found, ConfigError)
    assert "AWS_REGION" in str(found)


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_from_env_takes_all_from_the_mapping_alone(double: Double, variable: str) -> None:
    env = {
        variable: REGION,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL_REKOGNITION": double.url,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    assert AwsRekognition.from_env(Options(), env=env).call(OBJECT).status == 200


@pytest.mark.parametrize(
    ("env", "hint"),
    [
        ({"AWS_REGION": "no such region!"}, "AWS_REGION"),
        ({"AWS_REGION": REGION, "AWS_PROFILE": "nobody"}, "AWS_PROFILE"),
        ({"AWS_REGION": REGION, "AWS_ENDPOINT_URL_REKOGNITION": "not a url"}, "AWS_ENDPOINT_URL_REKOGNITION"),
    ],
)
def test_a_wrong_setting_is_named(env: dict[str, str], hint: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    found = failure(AwsRekognition.from_env(Options(), env=keys | env))
    assert isinstance(found, ConfigError)
    assert hint in str(found)


def test_a_bucket_name_that_cannot_be_is_a_fault_of_that_source_only() -> None:
    found = failure(rekognition("http://127.0.0.1:9"), Remote("s3://ab/c", bucket="ab", key="c"))
    assert isinstance(found, RejectedError)


def test_the_keys_do_not_stand_in_the_repr() -> None:
    shown = repr(AwsCredentials(KEY_ID, SECRET, "a-token"))
    assert SECRET not in shown
    assert "a-token" not in shown


def test_boto3_missing_is_said_with_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)
    found = failure(rekognition("http://127.0.0.1:9"))
    assert isinstance(found, ConfigError)
    assert "pip install 'cloudvision-gate[aws]'" in str(found)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate for 127.0.0.1 in one file, as a company's proxy would show its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_a_certificate_of_ones_own_is_trusted_once_it_is_named(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rekognition_double(certificate=certificate) as double:
        found = failure(rekognition(double.url))
        assert isinstance(found, UnavailableError)
        assert found.billed is False
        assert "AWS_CA_BUNDLE" in str(found)
        assert double.requests == []
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        assert rekognition(double.url).call(OBJECT).status == 200


def test_a_certificate_file_that_is_not_there_is_named(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    with rekognition_double(certificate=certificate) as double:
        found = failure(rekognition(double.url))
        assert isinstance(found, ConfigError)
        assert "AWS_CA_BUNDLE" in str(found)
