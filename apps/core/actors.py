"""Who acts: a person, a service token, or the system itself.

Every service takes the actor by name, every tenant-scoped query starts with `visible_to(actor)`, and every
audit row records it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What kind of party acts."""

    ANONYMOUS = "anonymous"
    USER = "user"
    SERVICE_TOKEN = "service_token"  # noqa: S105 -- a kind, not a secret
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A party with its tenant and its permissions at the moment of the call.

    `organization_id` and `workspace_id` name the tenant that the actor works in; `permissions` are the
    strings of `apps.accounts.roles` that hold there. `staff_roles` are the back-office roles. `api_tier` is the
    organization's tier of the platform's own rate limits; empty where it pays for nothing.
    """

    kind: ActorKind
    label: str
    user_id: UUID | None = None
    token_id: UUID | None = None
    organization_id: UUID | None = None
    workspace_id: UUID | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)
    staff_roles: frozenset[str] = field(default_factory=frozenset)
    ip: str = ""
    user_agent: str = ""
    api_tier: str = ""

    @classmethod
    def anonymous(cls, *, ip: str = "", user_agent: str = "") -> Actor:
        """Return the party that has not said who it is."""
        return cls(kind=ActorKind.ANONYMOUS, label="anonymous", ip=ip, user_agent=user_agent)

    @classmethod
    def system(cls, label: str) -> Actor:
        """Return the product itself, acting for the named reason; it sees every tenant."""
        return cls(kind=ActorKind.SYSTEM, label=label)

    @property
    def is_authenticated(self) -> bool:
        """Whether the party is known."""
        return self.kind is not ActorKind.ANONYMOUS

    @property
    def is_system(self) -> bool:
        """Whether the product itself acts."""
        return self.kind is ActorKind.SYSTEM

    @property
    def is_staff(self) -> bool:
        """Whether the party works in the back office."""
        return bool(self.staff_roles)

    @property
    def sees_every_tenant(self) -> bool:
        """Whether tenant scoping does not apply: the system, and staff acting for the platform.

        A person of the operator who works in an organization of their own is a member there, like anyone:
        only the back office and its endpoints act `as_platform`.
        """
        return self.is_system or (self.is_staff and self.organization_id is None)

    def as_platform(self) -> Actor:
        """Return the same person acting for the platform, outside any organization of their own."""
        return replace(self, organization_id=None, workspace_id=None, permissions=frozenset())

    def can(self, permission: str) -> bool:
        """Whether the actor holds a permission in the tenant that it works in."""
        return self.is_system or permission in self.permissions

    def has_staff_role(self, *roles: str) -> bool:
        """Whether the actor holds one of the back-office roles (a superuser holds all)."""
        return self.is_system or bool(self.staff_roles & {*roles, "superuser"})
