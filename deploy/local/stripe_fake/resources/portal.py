"""/v1/billing_portal/sessions: a link where a customer looks after the saved cards."""

from __future__ import annotations

from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.events import changed_fields, emit
from deploy.local.stripe_fake.ids import new_id, random_token
from deploy.local.stripe_fake.resources.payment_methods import detach
from deploy.local.stripe_fake.shapes import shape

URL = "/v1/billing_portal/sessions"
CONFIGURATION_ID = "bpc_local"


@operation("POST", URL, "billing_portal.SessionCreateParams")
def create_portal_session(call: Call) -> Json:
    """Make a link for one customer.

    Raises:
        StripeError: The customer is missing, or a flow is asked for, which is not played here.
    """
    customer = call.reference("customer", "customer")
    if customer is None:
        raise StripeError(
            "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    if "flow_data" in call.params:
        raise StripeError("The local Stripe's portal has no flows.", param="flow_data")
    session_id = new_id("bps")
    return call.store.save(
        shape(
            "billing_portal.session",
            id=session_id,
            configuration=CONFIGURATION_ID,
            customer=customer["id"],
            locale=call.params.get("locale"),
            return_url=call.params.get("return_url"),
            # The link is the credential: it cannot be guessed from the session's id.
            url=f"{call.base_url}/pay/portal/{session_id}_secret_{random_token(25)}",
        )
    )


def saved_cards(call: Call, customer: Json) -> list[Json]:
    """Return a customer's cards, newest first."""
    methods = call.store.newest_first("payment_method")
    return [method for method in methods if method["customer"] == customer["id"]]


def remove_card(call: Call, method: Json) -> None:
    """Take a card from its customer."""
    detach(call, method)


def make_default(call: Call, customer: Json, method: Json) -> None:
    """Charge this card from now on."""
    settings = customer["invoice_settings"] | {"default_payment_method": method["id"]}
    after = call.store.save(customer | {"invoice_settings": settings})
    emit(call, "customer.updated", after, changed_fields(customer, after))
