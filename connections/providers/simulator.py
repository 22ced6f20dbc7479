"""The simulator as a provider: the Cloud API, word for word, spoken by our own server."""

from typing import ClassVar

from django.conf import settings

from connections.providers.cloud_api import CloudApi


class Simulator(CloudApi):
    """Sends to the pretend phone instead of to Meta."""

    name: ClassVar[str] = "simulator"
    label: ClassVar[str] = "Simulator"

    def base_url(self) -> str:
        """Return the simulator's address, without a slash at its end."""
        return str(settings.SIMULATOR_URL).rstrip("/")
