"""What Custom Vision's SDK takes for a credential: its stack, msrest, knows neither azure-core's keys nor its tokens.

Both can be handed to the bare SDK as well: `CustomVisionPredictionClient(endpoint, EntraCredential(DefaultAzureCredential()))`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests
    from azure.core.credentials import TokenCredential

SCOPE = "https://cognitiveservices.azure.com/.default"


class KeyCredential:
    """A key in a header.

    Args:
        header: "Training-key" or "Prediction-key"; the service takes no other, and the SDK sends any.
        key: of that resource.
    """

    def __init__(self, header: str, key: str) -> None:
        self._header = header
        self._key = key

    def __repr__(self) -> str:
        return f"KeyCredential({self._header!r}, '***')"

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """The session (a new one where there is none) with the header; called by the SDK before every request."""
        session = _session(session)
        session.headers[self._header] = self._key
        return session


class EntraCredential:
    """A token of Entra ID, asked for before every request: the credential keeps it for as long as it is good.

    Args:
        credential: any of azure-identity, or another with `get_token`. The endpoint must be a custom subdomain.
    """

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential

    def __repr__(self) -> str:
        return f"EntraCredential({type(self._credential).__name__})"

    def signed_session(self, session: requests.Session | None = None) -> requests.Session:
        """The session (a new one where there is none) with the token of now.

        Raises:
            azure.core.exceptions.ClientAuthenticationError: no token can be had.
        """
        session, token = _session(session), self._credential.get_token(SCOPE).token

        def sign(request: Any) -> Any:
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        # As `auth`, not among the headers: those a line in ~/.netrc would replace.
        session.auth = sign
        return session


def _session(session: requests.Session | None) -> requests.Session:
    if session is not None:
        return session
    import requests

    return requests.Session()
