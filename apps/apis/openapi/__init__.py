"""Reading OpenAPI 3.0 and 3.1 documents that strangers upload: bounded, offline, errors with JSON pointers."""

from apps.apis.openapi.comparison import Change, compare_documents, is_breaking
from apps.apis.openapi.documents import DerivedApi, Operation
from apps.apis.openapi.loading import MAX_DOCUMENT_BYTES, load_document
from apps.apis.openapi.parsing import derive_api
from apps.apis.openapi.problems import OpenApiInvalid

__all__ = (
    "MAX_DOCUMENT_BYTES",
    "Change",
    "DerivedApi",
    "OpenApiInvalid",
    "Operation",
    "compare_documents",
    "derive_api",
    "is_breaking",
    "load_document",
)
