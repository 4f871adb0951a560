"""The console's side navigation: three hats, each with its sections, and where the visitor is in it.

An entry names a route. It is shown when its app routes it and the actor holds its permission, so a part of
the product that an operator switched off leaves no dead link behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Membership, Organization, Workspace
from apps.core.actors import Actor
from apps.notifications.selectors import count_unread

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation. `permission` is empty where every member may go."""

    label: Text
    route: str
    icon: str
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Hat:
    """A role that a visitor plays: consumer, provider, member of an organization."""

    key: str
    label: Text
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An entry that this visitor may follow."""

    label: Text
    url: str
    icon: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class HatLink:
    """A hat with what this visitor may do in it; its own link is its first page."""

    key: str
    label: Text
    links: tuple[Link, ...]
    is_current: bool

    @property
    def url(self) -> str:
        """Where putting the hat on leads."""
        return self.links[0].url


HATS: Final = (
    Hat(
        "consume",
        _("Consume"),
        (
            Entry(_("Overview"), "portal:console", "home"),
            Entry(_("Subscriptions"), "portal:subscriptions", "layers"),
            Entry(_("Keys"), "portal:keys", "key"),
            Entry(_("Usage"), "usage:overview", "chart"),
            Entry(_("Billing"), "billing:home", "receipt", "billing.read"),
            Entry(_("Budgets"), "usage:budgets", "wallet", "billing.read"),
        ),
    ),
    Hat(
        "provide",
        _("Provide"),
        (
            Entry(_("Overview"), "portal:provider", "home"),
            Entry(_("APIs"), "portal:provider_apis", "plug"),
            Entry(_("Plans"), "portal:provider_plans", "tag"),
            Entry(_("Promotions"), "portal:provider_promotions", "gift"),
            Entry(_("Subscribers"), "portal:provider_subscribers", "users"),
            Entry(_("Reviews"), "portal:provider_reviews", "star"),
            Entry(_("Analytics"), "usage:provider", "activity"),
            Entry(_("Usage intake"), "usage:intake", "upload"),
            Entry(_("Earnings"), "billing:earnings", "coins", "earnings.read"),
        ),
    ),
    Hat(
        "organization",
        _("Organization"),
        (
            Entry(_("Settings"), "accounts:organization", "gear"),
            Entry(_("Plan"), "accounts:plan", "tag"),
            Entry(_("Members"), "accounts:members", "users"),
            Entry(_("Workspaces"), "accounts:workspaces", "grid"),
            Entry(_("Service tokens"), "accounts:service_tokens", "terminal"),
            Entry(_("Webhooks"), "notifications:webhooks", "webhook", "webhooks.manage"),
            Entry(_("Security"), "portal:security", "shield"),
            Entry(_("Audit log"), "accounts:audit_log", "book"),
            Entry(_("Your data"), "accounts:data", "download"),
        ),
    ),
)


CONSOLE_ROOT: Final = "/console/"
FOOTER: Final = (
    Entry(_("API reference"), "core:docs", ""),
    Entry(_("Status"), "portal:status", ""),
    Entry(_("Terms"), "portal:terms", ""),
    Entry(_("Privacy"), "portal:privacy", ""),
)


def route_url(route: str) -> str:
    """Return a route's URL, or nothing where no app routes it."""
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""


class Shell:
    """The frame of a console page. Everything is read on first use, so that other pages pay nothing."""

    def __init__(self, request: HttpRequest, actor: Actor) -> None:
        """Keep who asks, and for which page."""
        self._path = request.path
        self._actor = actor

    @cached_property
    def hats(self) -> list[HatLink]:
        """The hats that have pages for this visitor."""
        allowed = {hat.key: self._links(hat.entries) for hat in HATS}
        here = _longest_match(self._path, (link for links in allowed.values() for link in links))
        current_key = next((key for key, links in allowed.items() if here in links), HATS[0].key)
        return [
            HatLink(hat.key, hat.label, _mark(allowed[hat.key], here), hat.key == current_key)
            for hat in HATS
            if allowed[hat.key]
        ]

    @cached_property
    def hat(self) -> HatLink | None:
        """The hat that the visitor wears on this page."""
        return next((hat for hat in self.hats if hat.is_current), None)

    @cached_property
    def organization(self) -> Organization | None:
        """The organization that the visitor works in."""
        chosen = self._actor.organization_id
        return next((item for item in self.organizations if item.pk == chosen), None)

    @cached_property
    def organizations(self) -> list[Organization]:
        """The organizations that the visitor belongs to, by name."""
        if self._actor.user_id is None:
            return []
        memberships = Membership.objects.filter(
            user_id=self._actor.user_id, organization__is_active=True
        ).select_related("organization")
        return sorted((item.organization for item in memberships), key=lambda item: item.name)

    @cached_property
    def workspaces(self) -> list[Workspace]:
        """The workspaces of the current organization."""
        if self._actor.organization_id is None:
            return []
        return list(Workspace.objects.filter(organization_id=self._actor.organization_id))

    @cached_property
    def workspace(self) -> Workspace | None:
        """The workspace that the visitor works in."""
        chosen = self._actor.workspace_id
        return next((item for item in self.workspaces if item.pk == chosen), None)

    @property
    def search_url(self) -> str:
        """Where the search box of the console leads."""
        return route_url("portal:search") or route_url("portal:catalogue")

    @property
    def catalogue_url(self) -> str:
        """The public catalogue."""
        return route_url("portal:catalogue")

    @property
    def docs_url(self) -> str:
        """The public documentation."""
        return route_url("portal:docs")

    @property
    def footer_links(self) -> tuple[Link, ...]:
        """The small print that every public page ends with."""
        return self._links(FOOTER)

    @property
    def notifications_url(self) -> str:
        """What the marketplace told this visitor."""
        return route_url("notifications:inbox")

    @cached_property
    def unread_count(self) -> int:
        """How much of it the visitor has not read."""
        return count_unread(self._actor)

    @property
    def has_back_office(self) -> bool:
        """Whether the visitor works for the operator."""
        return self._actor.is_staff

    def _links(self, entries: Iterable[Entry]) -> tuple[Link, ...]:
        return tuple(
            Link(entry.label, url, entry.icon)
            for entry in entries
            if (not entry.permission or self._actor.can(entry.permission))
            and (url := route_url(entry.route))
        )


def _longest_match(path: str, links: Iterable[Link]) -> Link | None:
    # The start page of the console is above all others, but they are not part of it.
    matching = [
        link
        for link in links
        if path == link.url or (path.startswith(link.url) and link.url != CONSOLE_ROOT)
    ]
    return max(matching, key=lambda link: len(link.url), default=None)


def _mark(links: tuple[Link, ...], here: Link | None) -> tuple[Link, ...]:
    return tuple(Link(link.label, link.url, link.icon, is_current=link is here) for link in links)
