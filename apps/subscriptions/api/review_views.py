"""Reviews over REST: anybody's, the author's, the provider's and the moderators' side."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.apis.models import Api
from apps.apis.selectors import get_own_api, get_readable_api
from apps.core.api.pagination import CursorPagination
from apps.core.api.permissions import AUTHENTICATED, PUBLIC
from apps.core.api.views import ApiView
from apps.core.exceptions import NotFound
from apps.subscriptions import selectors, services
from apps.subscriptions.api import review_serializers as shapes
from apps.subscriptions.constants import REVIEW_ORDERS
from apps.subscriptions.models import Rating

WRITE: Final = "subscriptions.manage"
MODERATE: Final = "staff:approver,operator"
REPORTED, HIDDEN, ALL = "reported", "hidden", "all"
SORT: Final = OpenApiParameter(
    "sort", str, enum=list(REVIEW_ORDERS), description="Newest first, unless told otherwise."
)


class ReviewOrder(CursorPagination):
    """In the order of `sort`; an unknown one is newest first."""

    def get_ordering(self, request: Request, _queryset: Any, _view: Any) -> tuple[str, ...]:
        """Return the order that the request asks for."""
        wanted = request.query_params.get("sort", "")
        return REVIEW_ORDERS.get(wanted, REVIEW_ORDERS["newest"])


class ReviewsView(ApiView):
    """What subscribers say about an API."""

    method_permissions = {"GET": PUBLIC}
    paginator_class = ReviewOrder

    @extend_schema(parameters=[SORT], responses=shapes.ReviewOutput(many=True), auth=[])
    def get(self, _request: Request, slug: str) -> Response:
        """List the reviews of an API that the caller may read."""
        api = get_readable_api(self.actor, slug)
        return self.paginated(selectors.list_reviews(api), shapes.ReviewOutput)


class RatingSummaryView(ApiView):
    """What the ratings of an API add up to."""

    method_permissions = {"GET": PUBLIC}

    @extend_schema(responses=shapes.RatingSummaryOutput, auth=[])
    def get(self, _request: Request, slug: str) -> Response:
        """Return average, number and histogram."""
        api = get_readable_api(self.actor, slug)
        return Response(shapes.RatingSummaryOutput(selectors.rating_summary(api.pk)).data)


class OwnReviewView(ApiView):
    """The review that the caller's organization gave an API: one, edited rather than repeated."""

    method_permissions = {"GET": "subscriptions.read", "PUT": WRITE, "DELETE": WRITE}

    def load(self, slug: str) -> Api:
        """Return the API, also one that is retired or private by now, if the organization reviewed it."""
        try:
            return get_readable_api(self.actor, slug)
        except NotFound:
            own = Rating.objects.visible_to(self.actor).filter(api__slug=slug)
            rating = own.select_related("api").first()
            if rating is None:
                raise
            return rating.api

    @extend_schema(responses=shapes.OwnReviewOutput)
    def get(self, _request: Request, slug: str) -> Response:
        """Show it; 404 where the organization gave none."""
        rating = selectors.find_own_review(api=self.load(slug), actor=self.actor)
        if rating is None:
            raise NotFound
        return Response(shapes.OwnReviewOutput(rating).data)

    @extend_schema(
        request=shapes.ReviewInput,
        responses={200: shapes.OwnReviewOutput, 201: shapes.OwnReviewOutput},
    )
    def put(self, _request: Request, slug: str) -> Response:
        """Review the API (201), or edit the review (200); 403 `not_a_subscriber` for others than subscribers."""
        opinion = services.Opinion(**self.validated(shapes.ReviewInput))
        saved = services.save_review(api=self.load(slug), opinion=opinion, actor=self.actor)
        code = status.HTTP_201_CREATED if saved.is_new else status.HTTP_200_OK
        return Response(shapes.OwnReviewOutput(saved.rating).data, status=code)

    @extend_schema(responses={204: None})
    def delete(self, _request: Request, slug: str) -> Response:
        """Take it back; the average forgets it."""
        services.delete_review(api=self.load(slug), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReportReviewView(ApiView):
    """Reports a review."""

    method_permissions = {"POST": AUTHENTICATED}

    @extend_schema(request=shapes.WhyInput, responses={201: shapes.ReviewReportOutput})
    def post(self, request: Request, slug: str, review_id: str) -> Response:
        """Ask the moderators to look at it; once per person, a second report changes the reason."""
        api = get_readable_api(self.actor, slug)
        rating = selectors.get_shown_review(api, review_id)
        values = self.validated(shapes.WhyInput)
        return self.created(
            request,
            lambda: (
                shapes.ReviewReportOutput(
                    services.report_review(rating=rating, actor=self.actor, **values)
                ).data
            ),
        )


class ReceivedReviewsView(ApiView):
    """The reviews of an API of the caller's organization."""

    method_permissions = {"GET": "apis.read"}
    paginator_class = ReviewOrder

    @extend_schema(parameters=[SORT], responses=shapes.ReceivedReviewOutput(many=True))
    def get(self, _request: Request, api_id: str) -> Response:
        """List them."""
        api = get_own_api(self.actor, api_id)
        rows = selectors.list_received_reviews(self.actor).filter(api=api)
        return self.paginated(rows, shapes.ReceivedReviewOutput)


class ReplyView(ApiView):
    """The provider's answer to a review."""

    method_permissions = {"PUT": "apis.manage"}

    @extend_schema(request=shapes.ReplyInput, responses=shapes.ReceivedReviewOutput)
    def put(self, _request: Request, api_id: str, review_id: str) -> Response:
        """Answer, or edit the answer."""
        rating = selectors.get_received_review(self.actor, review_id)
        if rating.api_id != get_own_api(self.actor, api_id).pk:
            raise NotFound
        text = self.validated(shapes.ReplyInput)["reply"]
        services.reply_to_review(rating=rating, text=text, actor=self.actor)
        fresh = selectors.get_received_review(self.actor, review_id)
        return Response(shapes.ReceivedReviewOutput(fresh).data)


# --- moderation -----------------------------------------------------------------------------------


class ModeratedReviewsView(ApiView):
    """The moderators' queue."""

    method_permissions = {"GET": MODERATE}

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "queue",
                str,
                enum=[REPORTED, HIDDEN, ALL],
                description="Reported ones, unless told otherwise.",
            )
        ],
        responses=shapes.ModeratedReviewOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List reviews, newest first."""
        rows = selectors.list_moderated_reviews()
        match request.query_params.get("queue", REPORTED):
            case "all":
                pass
            case "hidden":
                rows = rows.filter(hidden_at__isnull=False)
            case _:
                rows = rows.reported()
        return self.paginated(rows, shapes.ModeratedReviewOutput)


class _ModerationView(ApiView):
    """Base of the moderators' moves."""

    def carry_out(self, move: Any, review_id: str, **values: Any) -> Response:
        """Do one move and answer the review as it is then."""
        rating = selectors.list_moderated_reviews().get_visible(self.actor, review_id)
        move(rating=rating, actor=self.actor, **values)
        fresh = selectors.list_moderated_reviews().get_visible(self.actor, review_id)
        return Response(shapes.ModeratedReviewOutput(fresh).data)


class HideReviewView(_ModerationView):
    """Hides a review."""

    method_permissions = {"POST": MODERATE}

    @extend_schema(request=shapes.WhyInput, responses=shapes.ModeratedReviewOutput)
    def post(self, _request: Request, review_id: str) -> Response:
        """Take it out of the catalogue and the average; the author reads the reason."""
        return self.carry_out(services.hide_review, review_id, **self.validated(shapes.WhyInput))


class RestoreReviewView(_ModerationView):
    """Shows a hidden review again."""

    method_permissions = {"POST": MODERATE}

    @extend_schema(request=shapes.NoteInput, responses=shapes.ModeratedReviewOutput)
    def post(self, _request: Request, review_id: str) -> Response:
        """Show and count it again; the author is told."""
        values = self.validated(shapes.NoteInput)
        return self.carry_out(services.restore_review, review_id, **values)


class DismissReportsView(_ModerationView):
    """Leaves a reported review as it is."""

    method_permissions = {"POST": MODERATE}

    @extend_schema(request=shapes.NoteInput, responses=shapes.ModeratedReviewOutput)
    def post(self, _request: Request, review_id: str) -> Response:
        """Close its reports."""
        values = self.validated(shapes.NoteInput)
        return self.carry_out(services.dismiss_reports, review_id, **values)
