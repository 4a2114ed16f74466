"""Composes what stands in front of the endpoints and of Gradio; what is not expected never reaches them."""

from dataclasses import dataclass, field

from starlette.middleware import Middleware

from app.metrics import Metrics
from app.middleware.access_log import AccessLogMiddleware
from app.middleware.auth import AuthMiddleware, BasicAuth
from app.middleware.body import BodyMiddleware
from app.middleware.concurrency import ConcurrencyMiddleware
from app.middleware.context import RequestContextMiddleware
from app.middleware.errors import ErrorsMiddleware
from app.middleware.headers import SecurityHeadersMiddleware
from app.middleware.hosts import Hosts, HostsMiddleware
from app.middleware.metrics import MetricsMiddleware
from app.middleware.routes import RoutesMiddleware, RouteTable


@dataclass(frozen=True)
class SecuritySettings:
    """Whom the server lets in (without ``basic_auth`` everybody), and whether it logs each request."""

    hosts: Hosts = field(default_factory=lambda: Hosts(any_name=True))
    basic_auth: BasicAuth | None = None
    log_requests: bool = False


def security_stack(settings: SecuritySettings, routes: RouteTable, metrics: Metrics) -> list[Middleware]:
    """Return the middleware in front of an application, the outermost first.

    Args:
        settings: whom to let in.
        routes: what there is to ask for.
        metrics: where requests are counted.
    """
    return [
        Middleware(RequestContextMiddleware),
        Middleware(MetricsMiddleware, metrics),
        *([Middleware(AccessLogMiddleware)] if settings.log_requests else []),
        Middleware(SecurityHeadersMiddleware),
        Middleware(ErrorsMiddleware),
        Middleware(HostsMiddleware, settings.hosts),
        *([Middleware(AuthMiddleware, settings.basic_auth, routes.public)] if settings.basic_auth else []),
        Middleware(RoutesMiddleware, routes),
        Middleware(BodyMiddleware, metrics),
        Middleware(ConcurrencyMiddleware, metrics),
    ]
