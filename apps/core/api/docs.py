"""The OpenAPI document and the page that renders it."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.core.api.permissions import PUBLIC


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, as YAML or (`Accept: application/json`) JSON."""

    authentication_classes = ()
    method_permissions = {"GET": PUBLIC}


class DocsView(SpectacularSwaggerSplitView):
    """The documentation page; script and style come from files, as the Content-Security-Policy demands."""

    authentication_classes = ()
    method_permissions = {"GET": PUBLIC}
    template_name = "core/api_docs.html"
    url_name = "core:schema"
