"""Starts the traces of a program: what its composition root calls, where its settings ask for traces."""

import random
import uuid
from collections.abc import Mapping

from infra.clock import Clock
from infra.errors import SettingsError
from infra.tracing.exporter import Exporter
from infra.tracing.sampling import Sampler
from infra.tracing.settings import TracingSettings, read_tracing_settings
from infra.tracing.spans import Tracer


def open_tracing(program: str, environ: Mapping[str, str]) -> "Tracing | None":
    """Return the traces of a program, not started yet; None where its settings ask for none. Raises SettingsError."""
    settings = read_tracing_settings(program, environ)
    return Tracing(settings, program, Clock()) if settings else None


class Tracing:
    """The tracer of a program, and the thread that sends its spans."""

    def __init__(self, settings: TracingSettings, program: str, clock: Clock) -> None:
        """Make both; raises SettingsError where traces cannot be sent in this installation."""
        try:
            from infra.tracing.otlp import encode  # here, so that a program without traces does not
        except ImportError as error:
            raise SettingsError(
                f"OTEL_… asks for traces, which need the package opentelemetry-proto: {error}"
            ) from None
        resource = {
            "service.name": settings.service,
            "service.namespace": "comanda",
            "service.instance.id": str(uuid.uuid4()),
            "comanda.program": program,
        }
        chance = random.SystemRandom()
        generator = random.Random(chance.getrandbits(256))  # noqa: S311 - ids need to differ, not to be secret
        self.settings = settings
        self._exporter = Exporter(settings, resource | settings.resource, encode)
        sampler = Sampler(
            settings.ratio,
            follows_parents=settings.follows_parents,
            random=generator.random,
            monotonic=clock.monotonic,
        )
        self.tracer = Tracer(sampler, self._exporter.record, new_bits=generator.getrandbits)

    def start(self) -> None:
        """Begin to send spans."""
        self._exporter.start()

    def close(self) -> None:
        """Send the last spans, and end."""
        self._exporter.close()
