"""/v1/customers."""

from __future__ import annotations

from deploy.local.stripe_fake.calls import Call, Json, operation
from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.events import changed_fields, emit
from deploy.local.stripe_fake.ids import new_id, random_token
from deploy.local.stripe_fake.listing import list_objects
from deploy.local.stripe_fake.resources.payment_methods import attach, detach, resolve
from deploy.local.stripe_fake.shapes import copy_params, merge_metadata, shape

URL = "/v1/customers"
NO_INVOICE_SETTINGS = {
    "custom_fields": None,
    "default_payment_method": None,
    "footer": None,
    "rendering_options": None,
}


@operation("POST", URL, "CustomerCreateParams")
def create_customer(call: Call) -> Json:
    """Create a customer, with a saved card when `payment_method` is given."""
    defaults = {
        "balance": 0,
        "delinquent": False,
        "invoice_prefix": random_token(8).upper(),
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    }
    fields = defaults | copy_params("customer", call.params)
    fields["invoice_settings"] = NO_INVOICE_SETTINGS
    fields["metadata"] = merge_metadata({}, call.params.get("metadata"))
    customer = call.store.save(shape("customer", id=new_id("cus", 14), **fields))
    if "payment_method" in call.params:
        attach(call, resolve(call, call.params["payment_method"]), customer)
    _set_invoice_settings(call, customer)
    emit(call, "customer.created", call.store.save(customer))
    return customer


@operation("GET", f"{URL}/{{id}}", "CustomerRetrieveParams")
def retrieve_customer(call: Call) -> Json:
    """Return a customer; a deleted one as its tombstone."""
    found = call.store.find("customer", call.path["id"])
    if found and found.get("deleted"):
        return {"id": found["id"], "object": "customer", "deleted": True}
    return call.fetch("customer")


@operation("POST", f"{URL}/{{id}}", "CustomerModifyParams")
def update_customer(call: Call) -> Json:
    """Change the given fields."""
    before = call.fetch("customer")
    customer = before | copy_params("customer", call.params)
    customer["invoice_settings"] = dict(before["invoice_settings"])
    if "metadata" in call.params:
        customer["metadata"] = merge_metadata(before["metadata"], call.params["metadata"])
    _set_invoice_settings(call, customer)
    emit(call, "customer.updated", call.store.save(customer), changed_fields(before, customer))
    return customer


def _set_invoice_settings(call: Call, customer: Json) -> None:
    given = call.params.get("invoice_settings") or {}
    settings = {name: None if value == "" else value for name, value in given.items()}
    method_id = settings.get("default_payment_method")
    if method_id:
        method = resolve(call, method_id)
        if method["customer"] != customer["id"]:
            raise StripeError(
                f"The customer does not have a payment method with the ID {method['id']}. The "
                "payment method must be attached to the customer.",
                code="resource_missing",
                param="invoice_settings[default_payment_method]",
            )
    customer["invoice_settings"] = customer["invoice_settings"] | settings


@operation("DELETE", f"{URL}/{{id}}", "CustomerDeleteParams")
def delete_customer(call: Call) -> Json:
    """Delete a customer for good, and detach the saved cards."""
    customer = call.fetch("customer")
    for method in call.store.newest_first("payment_method"):
        if method["customer"] == customer["id"]:
            detach(call, method)
    customer["deleted"] = True
    emit(call, "customer.deleted", call.store.save(customer))
    return {"id": customer["id"], "object": "customer", "deleted": True}


@operation("GET", URL, "CustomerListParams")
def list_customers(call: Call) -> Json:
    """List customers, newest first."""
    return list_objects(call, "customer", URL, filters=("email",))


@operation("GET", f"{URL}/{{id}}/payment_methods", "CustomerListPaymentMethodsParams")
def list_customer_payment_methods(call: Call) -> Json:
    """List a customer's saved cards."""
    customer = call.fetch("customer")
    url = f"{URL}/{customer['id']}/payment_methods"
    return list_objects(call, "payment_method", url, filters=("type",), customer=customer["id"])


@operation(
    "GET", f"{URL}/{{customer}}/payment_methods/{{id}}", "CustomerRetrievePaymentMethodParams"
)
def retrieve_customer_payment_method(call: Call) -> Json:
    """Return one saved card of a customer."""
    call.fetch("customer", "customer")
    return call.fetch("payment_method")
