"""Making boto3 clients. The only place that imports boto3, and only when a client is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from cloudvision.errors import ConfigError
from cloudvision.providers._aws_wire import Boto3Client

MAX_CONNECTIONS = 128
"""Connections kept open by one client; with fewer than threads, boto3 would throw connections away after each call."""


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """Keys given by hand, or the name of a profile. Whatever is None is left to boto3's own search."""

    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> AwsCredentials | None:
        """The credentials that `env` names, None when it names none."""
        found = cls(
            access_key_id=env.get("AWS_ACCESS_KEY_ID") or None,
            secret_access_key=env.get("AWS_SECRET_ACCESS_KEY") or None,
            session_token=env.get("AWS_SESSION_TOKEN") or None,
            profile=env.get("AWS_PROFILE") or None,
        )
        return found if found != cls() else None


def region_of(env: Mapping[str, str]) -> str | None:
    """The region that `env` names. boto3 itself reads `AWS_DEFAULT_REGION` only, other AWS tools `AWS_REGION` too."""
    return env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or None


def endpoint_of(env: Mapping[str, str], service: str) -> str | None:
    """The address that `env` gives for a service, such as that of an emulator; None for the real one."""
    if env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return env.get(f"AWS_ENDPOINT_URL_{service.upper()}") or env.get("AWS_ENDPOINT_URL") or None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """All that a client is made of. Times are in seconds; `attempts` counts requests, and is 1 where each may cost."""

    service: str
    region: str | None
    endpoint_url: str | None
    credentials: AwsCredentials | None
    connect_timeout_s: float
    read_timeout_s: float
    attempts: int = 1

    def open(self) -> Boto3Client:
        """A client of a fresh session, so that changed keys, tokens and profiles are read anew.

        Raises:
            ConfigError: boto3 is not installed, or one of the two keys is missing.
            ValueError: the endpoint is no URL.
            botocore.exceptions.BotoCoreError: no region, no such profile and the like.
        """
        session = self._session()
        from botocore.config import Config

        config = Config(
            # "max_attempts" would count repeats; "total_max_attempts" counts requests.
            retries={"total_max_attempts": self.attempts},
            connect_timeout=self.connect_timeout_s,
            read_timeout=self.read_timeout_s,
            max_pool_connections=MAX_CONNECTIONS,
            user_agent_extra="cloudvision-gate",
        )
        return cast(Boto3Client, session.client(self.service, endpoint_url=self.endpoint_url, config=config))

    def whose_keys(self) -> str:
        """Where boto3 finds the keys, in its own word: "env", "shared-credentials-file", "sso", "explicit" and the like.

        Raises:
            ConfigError: it finds none, or boto3 is not installed.
        """
        found = self._session().get_credentials()
        if found is None:
            raise ConfigError(
                "no AWS keys are found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or sign in"
            )
        return str(found.method)

    def _session(self) -> Any:
        try:
            import boto3
        except ModuleNotFoundError as missing:
            raise ConfigError(
                f"AWS services need boto3 ({missing.name} is missing): pip install 'cloudvision-gate[aws]'"
            ) from missing
        keys = self.credentials or AwsCredentials()
        if (keys.access_key_id is None) != (keys.secret_access_key is None):
            # boto3 would sign with None, and the service would speak of an invalid token.
            raise ConfigError("half a key: set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither")
        return boto3.Session(
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            # A token alone would keep boto3 from looking for the keys that belong to it.
            aws_session_token=keys.session_token if keys.access_key_id else None,
            profile_name=keys.profile,
            region_name=self.region,
        )


def sdk_exceptions() -> tuple[type[Exception], ...]:
    """The roots of all that boto3's clients raise; none where the SDK is not installed. For `except` clauses."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError, UndefinedModelAttributeError
    except ModuleNotFoundError:
        return ()
    return BotoCoreError, ClientError, UndefinedModelAttributeError
