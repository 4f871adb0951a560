"""People, organizations and who works where.

`make_member("developer")` gives a person with that role in a new organization; pass `organization=` for a
colleague. `make_staff("approver")` gives a person of the operator.
"""

from __future__ import annotations

from typing import Any

import factory
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from apps.accounts.actors import actor_for_user
from apps.accounts.enums import Role
from apps.accounts.models import Membership, Organization, User, Workspace
from apps.core.actors import Actor

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory[User]):
    """A person with a verified address who logs in with PASSWORD."""

    class Meta:
        model = User

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.Sequence(lambda n: f"person{n}@example.com")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **fields: Any) -> User:
        user = model_class.objects.create_user(*args, **{"password": PASSWORD, **fields})
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user


class OrganizationFactory(DjangoModelFactory[Organization]):
    """An organization with its default workspace."""

    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Organization {n}")
    slug = factory.Sequence(lambda n: f"organization-{n}")
    country = "DE"
    billing_email = factory.LazyAttribute(lambda organization: f"bills@{organization.slug}.example")

    @classmethod
    def _create(cls, model_class: type[Organization], *args: Any, **fields: Any) -> Organization:
        organization = model_class.objects.create(*args, **fields)
        WorkspaceFactory(organization=organization, name="Default", slug="default", is_default=True)
        return organization


class WorkspaceFactory(DjangoModelFactory[Workspace]):
    """One more workspace of an organization."""

    class Meta:
        model = Workspace

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Workspace {n}")
    slug = factory.Sequence(lambda n: f"workspace-{n}")


class MembershipFactory(DjangoModelFactory[Membership]):
    """A person's role in an organization."""

    class Meta:
        model = Membership

    organization = factory.SubFactory(OrganizationFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.OWNER


def make_member(
    role: str = Role.OWNER, organization: Organization | None = None, **user_fields: Any
) -> Membership:
    """Make a person with that role, in a new organization unless one is given."""
    return MembershipFactory(
        role=role,
        organization=organization or OrganizationFactory(),
        user=UserFactory(**user_fields),
    )


def make_staff(*roles: str, is_superuser: bool = False) -> User:
    """Make a person of the operator with those back-office roles and no organization."""
    user = UserFactory(is_staff=True, is_superuser=is_superuser)
    for role in roles:
        group, _is_new = Group.objects.get_or_create(name=role)
        user.groups.add(group)
    return user


def actor_of(who: Membership | User) -> Actor:
    """Return a member as an actor in that organization, or a person as an actor in their first one."""
    if isinstance(who, Membership):
        return actor_for_user(who.user, organization_id=who.organization_id, ip="192.0.2.1")
    return actor_for_user(who, ip="192.0.2.1")
