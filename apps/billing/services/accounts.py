"""Billing accounts and saved payment methods."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Organization
from apps.billing.enums import PaymentProvider
from apps.billing.exceptions import PaymentMethodRefused, PaymentProviderUnavailable
from apps.billing.gateways.base import (
    CardDetails,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from apps.billing.gateways.stripe import StripeGateway
from apps.billing.models import BillingAccount, PaymentMethod
from apps.billing.topics import DETACH_TOPIC
from apps.core import clock, outbox
from apps.core.actors import Actor
from apps.core.audit import record_audit


def get_or_create_account(*, organization: Organization) -> BillingAccount:
    """Return the organization's billing account, made from its own facts on first use."""
    return get_or_create_accounts([organization])[organization.pk]


@transaction.atomic
def get_or_create_accounts(organizations: Collection[Organization]) -> dict[UUID, BillingAccount]:
    """Return billing accounts by organization, made from their own facts on first use. One query, or three."""
    by_id = {row.pk: row for row in organizations}
    known = BillingAccount.objects.filter(organization__in=by_id)
    found = {row.organization_id: row for row in known}
    missing = sorted(by_id.keys() - found.keys())
    if missing:
        BillingAccount.objects.bulk_create(
            [
                BillingAccount(
                    organization=by_id[key],
                    currency=by_id[key].currency,
                    legal_name=by_id[key].name,
                )
                for key in missing
            ],
            ignore_conflicts=True,
        )
        found = {row.organization_id: row for row in known.all()}
    for row in found.values():
        row.organization = by_id[row.organization_id]
    return found


@transaction.atomic
def update_account(
    *, account: BillingAccount, legal_name: str, address: str, tax_id: str, actor: Actor
) -> BillingAccount:
    """Change what invoices say about the buyer; issued ones stay as they are."""
    before = {
        "legal_name": account.legal_name,
        "address": account.address,
        "tax_id": account.tax_id,
    }
    account.legal_name, account.address, account.tax_id = legal_name, address, tax_id
    account.full_clean()
    account.save(update_fields=["legal_name", "address", "tax_id", "updated_at"])
    after = {"legal_name": legal_name, "address": address, "tax_id": tax_id}
    record_audit(
        action="billing:account:updated", target=account, actor=actor, before=before, after=after
    )
    return account


def ensure_customer(*, account: BillingAccount) -> str:
    """Return the account's customer id at Stripe, making the customer on first use.

    Stripe is asked outside any transaction; the organization's id is the idempotency key, so two at once make one.

    Raises:
        PaymentProviderUnavailable: Stripe could not be reached.
    """
    if account.stripe_customer_id:
        return account.stripe_customer_id
    organization = account.organization
    try:
        customer_id = StripeGateway().create_customer(
            name=account.legal_name or organization.name,
            email=organization.billing_email,
            organization_id=organization.public_id,
        )
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    with transaction.atomic():
        BillingAccount.objects.filter(pk=account.pk).update(stripe_customer_id=customer_id)
    account.stripe_customer_id = customer_id
    return customer_id


def add_payment_method(
    *, organization: Organization, method_reference: str, actor: Actor
) -> PaymentMethod:
    """Save a card that the payer entered at Stripe (`pm_…`); it becomes the default.

    Raises:
        PaymentMethodRefused: Stripe refused it; `provider_code` says why.
        PaymentProviderUnavailable: Stripe could not be reached.
    """
    account = get_or_create_account(organization=organization)
    customer_id = ensure_customer(account=account)
    try:
        card = StripeGateway().attach_method(
            customer_id=customer_id, method_reference=method_reference
        )
    except ProviderRefusedError as error:
        raise PaymentMethodRefused(
            error.message, field="method_reference", provider_code=error.code
        ) from error
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    return store_payment_method(organization=organization, card=card, actor=actor)


@transaction.atomic
def store_payment_method(
    *, organization: Organization, card: CardDetails, actor: Actor
) -> PaymentMethod:
    """Record a method that Stripe has saved, once, and make it the default; a removed one stays removed."""
    BillingAccount.objects.select_for_update().get(organization=organization)
    methods = PaymentMethod.objects.filter(organization=organization)
    known = methods.filter(provider_reference=card.reference).first()
    if known is not None and known.detached_at is not None:
        return known
    methods.filter(is_default=True).update(is_default=False)
    if known is not None:
        PaymentMethod.objects.filter(pk=known.pk).update(is_default=True)
        known.is_default = True
        return known
    method = PaymentMethod.objects.create(
        organization=organization,
        provider=PaymentProvider.STRIPE,
        provider_reference=card.reference,
        brand=card.brand,
        last_four=card.last_four,
        expires_month=card.expires_month,
        expires_year=card.expires_year,
        is_default=True,
    )
    record_audit(
        action="billing:payment_method:added",
        target=method,
        actor=actor,
        after={"brand": card.brand, "last_four": card.last_four},
    )
    return method


@transaction.atomic
def remove_payment_method(*, method: PaymentMethod, actor: Actor) -> PaymentMethod:
    """Stop using a saved method here and at Stripe. Payments made with it keep naming it; again changes nothing.

    The newest of the others becomes the default.
    """
    method = PaymentMethod.objects.lock(method.pk)
    if method.detached_at is not None:
        return method
    was_default = method.is_default
    method.detached_at, method.is_default = clock.now(), False
    method.save(update_fields=["detached_at", "is_default", "updated_at"])
    others = PaymentMethod.objects.filter(
        organization_id=method.organization_id, detached_at__isnull=True
    )
    successor = others.order_by("-id").first() if was_default else None
    if successor is not None:
        PaymentMethod.objects.filter(pk=successor.pk).update(is_default=True)
    record_audit(action="billing:payment_method:removed", target=method, actor=actor)
    outbox.enqueue(DETACH_TOPIC, {"method_reference": method.provider_reference})
    return method


def start_method_setup(*, organization: Organization, return_url: str, cancel_url: str) -> str:
    """Open Stripe's page for entering a card and return its address.

    `{CHECKOUT_SESSION_ID}` in `return_url` comes back as what `finish_method_setup` takes.

    Raises:
        PaymentProviderUnavailable: Stripe could not be reached.
    """
    customer_id = ensure_customer(account=get_or_create_account(organization=organization))
    try:
        return StripeGateway().start_method_setup(
            customer_id=customer_id, return_url=return_url, cancel_url=cancel_url
        )
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error


def finish_method_setup(
    *, organization: Organization, session_reference: str, actor: Actor
) -> PaymentMethod:
    """Save the card that the payer entered on Stripe's page; coming back twice saves it once.

    Raises:
        PaymentMethodRefused: not this organization's session, or no card was entered.
        PaymentProviderUnavailable: Stripe could not be reached; its webhook saves the card.
    """
    customer_id = ensure_customer(account=get_or_create_account(organization=organization))
    try:
        card = StripeGateway().finish_method_setup(
            customer_id=customer_id, session_reference=session_reference
        )
    except ProviderRefusedError as error:
        raise PaymentMethodRefused(error.message, provider_code=error.code) from error
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    return store_payment_method(organization=organization, card=card, actor=actor)


def sync_payment_method(
    *, customer_id: str, method_reference: str, actor: Actor
) -> PaymentMethod | None:
    """Save a method that a webhook named, unless it is known or its customer is not ours.

    Raises:
        PaymentProviderUnavailable: Stripe could not be reached; the outbox tries again.
    """
    account = BillingAccount.objects.filter(stripe_customer_id=customer_id).first()
    is_known = PaymentMethod.objects.filter(provider_reference=method_reference).exists()
    if not customer_id or account is None or is_known:
        return None
    try:
        card = StripeGateway().fetch_method(method_reference)
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
    return store_payment_method(organization=account.organization, card=card, actor=actor)


def detach_at_provider(*, method_reference: str) -> None:
    """Make a removed method unusable at Stripe, too.

    Raises:
        PaymentProviderUnavailable: Stripe could not be reached; the outbox tries again.
    """
    try:
        StripeGateway().detach_method(method_reference)
    except ProviderUnavailableError as error:
        raise PaymentProviderUnavailable from error
