"""The vocabulary of the interface: what templates call to show values and components.

Installed as a builtin, so templates need no `{% load ui %}`. Each component has its markup in
`templates/components/`, its style in `static/css/components/` and every state of it on the styleguide
page; `docs/design-system.md` lists the lines to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django import template
from django.core.paginator import Page
from django.forms import BaseForm, BoundField
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from apps.core import clock, formatting, plot_markup
from apps.core.money import Money
from apps.core.states import look_of

register = template.Library()

ICON_SPRITE: Final = "img/icons.svg"
DIRECTIONAL_ICONS: Final = frozenset(
    {"arrow-right", "arrow-left", "chevron-right", "sign-out", "external"}
)
SHORT_ID_TAIL: Final = 4
SHORT_ID_HEAD: Final = 4
WARN_SHARE: Final = Decimal("0.8")

# In this order: each of them names the ones below it too.
BROWSER_MARKS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
)
SYSTEM_MARKS: Final = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)

NOTICE_ICONS: Final = {"ok": "check-circle", "warn": "alert", "bad": "x-circle", "info": "info"}
MESSAGE_TONES: Final = {"success": "ok", "warning": "warn", "error": "bad", "debug": "info"}


# --- values ------------------------------------------------------------------------------------


@register.simple_tag
def money(amount: Money | int | None, currency: str = "") -> str:
    """Write a Money, or minor units and a currency: `{% money invoice.total %}`, `{% money 1250 "USD" %}`."""
    if amount is None:
        return "–"
    return formatting.format_money(amount if isinstance(amount, Money) else Money(amount, currency))


@register.simple_tag
def unit_price(amount: Decimal | None, currency: str) -> str:
    """Write a price of up to twelve decimals: `{% unit_price tier.unit_price plan.currency %}`."""
    return "–" if amount is None else formatting.format_unit_price(amount, currency)


@register.simple_tag
def number(value: Decimal | float | None, places: int | None = None) -> str:
    """Write a number with the reader's grouping: `{% number calls %}`, `{% number latency 1 %}`."""
    return "–" if value is None else formatting.format_number(value, places)


@register.simple_tag
def share(fraction: Decimal | float | None, places: int = 1) -> str:
    """Write a fraction of one as a percentage: `{% share uptime 2 %}`."""
    return "–" if fraction is None else formatting.format_share(fraction, places)


@register.simple_tag(name="bytes")
def byte_count(count: int | None) -> str:
    """Write a size: `{% bytes call.response_bytes %}`."""
    return "–" if count is None else formatting.format_bytes(count)


@register.simple_tag
def duration(value: timedelta | float | None) -> str:
    """Write a timedelta or seconds by its two largest units: `{% duration latency_s %}`."""
    return "–" if value is None else formatting.format_duration(value)


@register.simple_tag
def when(value: datetime | None, width: formatting.Width = "medium") -> str:
    """Write an instant in the reader's zone, the ISO time on hover: `{% when invoice.issued_at %}`."""
    return "–" if value is None else _time_element(value, formatting.format_time(value, width))


@register.simple_tag
def day(value: date | datetime | None, width: formatting.Width = "medium") -> str:
    """Write a day: `{% day period.end %}`."""
    return "–" if value is None else _time_element(value, formatting.format_day(value, width))


@register.simple_tag
def ago(value: datetime | None) -> str:
    """Write how far away an instant is, `3 hours ago` or `in 12 days`: `{% ago key.last_used_at %}`."""
    if value is None:
        return _("never")
    return _time_element(value, formatting.format_relative(value, clock.now()))


def _time_element(value: date | datetime, text: str) -> SafeString:
    iso = value.isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', iso, iso.replace("+00:00", "Z"), text
    )


@register.simple_tag
def short_id(public_id: str) -> SafeString:
    """Write a public id in a short form that keeps its kind and its end: `{% short_id key.public_id %}`."""
    prefix, _separator, rest = public_id.rpartition("_")
    if len(rest) <= SHORT_ID_HEAD + SHORT_ID_TAIL:
        return format_html('<code class="code--plain nowrap">{}</code>', public_id)
    text = f"{prefix}_{rest[:SHORT_ID_HEAD]}…{rest[-SHORT_ID_TAIL:]}"
    return format_html('<code class="code--plain nowrap" title="{}">{}</code>', public_id, text)


# --- small pieces -------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """Draw an icon of the sprite, beside a word that says the same: `{% icon "key" %}`."""
    classes = "icon"
    if size:
        classes += f" icon--{size}"
    if name in DIRECTIONAL_ICONS:
        classes += " icon--directional"
    return format_html(
        '<svg class="{}" viewBox="0 0 20 20" aria-hidden="true"><use href="{}#{}"></use></svg>',
        classes,
        static(ICON_SPRITE),
        name,
    )


@register.simple_tag
def badge(state: Any, label: str = "", tone: str = "") -> SafeString:
    """Show a state in its machine's word and tone: `{% badge api.status %}`, `{% badge "new" tone="info" %}`."""
    look = look_of(str(state))
    modifier = f"badge--{tone or look.tone}"
    if look.is_moving:
        modifier += " badge--busy"
    return format_html('<span class="badge {}">{}</span>', modifier, label or look.label)


@register.simple_tag
def browser(user_agent: str) -> str:
    """Name the browser and system of a User-Agent header: `{% browser session.user_agent %}`."""
    program = next((name for mark, name in BROWSER_MARKS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEM_MARKS if mark in user_agent), "")
    return " · ".join(part for part in (program, system) if part) or _("Unknown browser")


@register.simple_tag
def initials(name: str) -> SafeString:
    """Stand in for a picture by the first letters of two words: `{% initials organization.name %}`."""
    letters = "".join(word[0] for word in name.split()[:2])
    return format_html('<span class="avatar" aria-hidden="true">{}</span>', letters or "·")


@register.simple_tag(takes_context=True)
def current(context: template.Context, url: str, *, exact: bool = False) -> SafeString:
    """Mark the link of the page that is shown: `<a href="{{ url }}" {% current url %}>`."""
    request = context.get("request")
    path = request.path if request else ""
    is_here = path == url or (not exact and url != "/" and path.startswith(url))
    return mark_safe('aria-current="page"') if is_here else mark_safe("")


# --- forms --------------------------------------------------------------------------------------


@register.inclusion_tag("components/_field.html")
def field(bound: BoundField, label: str = "", grow: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 -- a template argument
    """Render a form field with label, help and errors: `{% field form.email %}`."""
    kind = getattr(bound.field.widget, "input_type", "")
    return {
        "field": bound,
        "label": label or bound.label,
        "kind": kind,
        "grow": grow,
        "is_group": bound.use_fieldset,
        "is_check": kind == "checkbox" and not bound.use_fieldset,
    }


@register.inclusion_tag("components/_form_errors.html")
def form_errors(form: BaseForm) -> dict[str, Any]:
    """Sum up what is wrong with a form, with links to the fields: `{% form_errors form %}`."""
    wrong = [bound for bound in form if bound.errors and not bound.is_hidden]
    hidden = [error for bound in form.hidden_fields() for error in bound.errors]
    return {"general": [*form.non_field_errors(), *hidden], "fields": wrong}


@register.inclusion_tag("components/_form_fields.html")
def form_fields(form: BaseForm) -> dict[str, Any]:
    """Render the error summary and all fields of a form: `{% form_fields form %}`."""
    return {"form": form}


# --- lists ---------------------------------------------------------------------------------------


@register.inclusion_tag("components/_pagination.html", takes_context=True)
def pagination(context: template.Context, page: Page[Any] | Mapping[str, str]) -> dict[str, Any]:
    """Link to the other pages, keeping the query: `{% pagination page_obj %}`.

    A cursor page is a mapping with `previous` and `next`, the cursors or empty.
    """
    request = context["request"]
    if isinstance(page, Page):
        numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
        return {"request": request, "page": page, "numbers": list(numbers)}
    return {"request": request, "cursors": page}


@register.inclusion_tag("components/_breadcrumbs.html")
def breadcrumbs(crumbs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Show the way here as (label, url) pairs, the last being this page: `{% breadcrumbs crumbs %}`."""
    return {"crumbs": crumbs}


@register.inclusion_tag("components/_tabs.html", takes_context=True)
def tabs(context: template.Context, items: Iterable[Any], label: str = "") -> dict[str, Any]:
    """Link to sibling pages; items have `label`, `url` and perhaps `count`: `{% tabs pages %}`."""
    return {"request": context.get("request"), "items": items, "label": label or _("Sections")}


@register.inclusion_tag("components/_timeline.html")
def timeline(entries: Iterable[Any]) -> dict[str, Any]:
    """Tell what happened, newest first; entries have `title`, `at`, and perhaps `by`, `note`, `tone`."""
    return {"entries": entries}


@register.inclusion_tag("components/_stat.html")
def stat(label: str, value: Any, note: str = "", href: str = "") -> dict[str, Any]:
    """Show one number of a `<div class="stats">`: `{% stat _("Calls today") calls note=change %}`."""
    return {"label": label, "value": value, "note": note, "href": href}


@register.inclusion_tag("components/_quota.html")
def quota(used: int, limit: int | None, unit: str = "", note: str = "") -> dict[str, Any]:
    """Show used of limit in words and as a bar: `{% quota 3212 10000 _("calls") %}`; no limit, no bar."""
    fraction = Decimal(used) / limit if limit else Decimal(0)
    tone = (
        "bad" if limit is not None and used >= limit else "warn" if fraction >= WARN_SHARE else ""
    )
    return {"used": used, "limit": limit, "unit": unit, "note": note, "tone": tone}


@register.inclusion_tag("components/_plot.html")
def plot(drawing: Any) -> dict[str, Any]:
    """Draw an `apps.core.plots` plot with its legend and table: `{% plot calls_plot %}`."""
    return {"plot": drawing}


@register.simple_tag
def plot_drawing(drawing: Any) -> SafeString:
    """Write the SVG of a plot; `components/_plot.html` puts title, legend and table around it."""
    return plot_markup.svg_of(drawing)


@register.simple_tag
def plot_rows(drawing: Any) -> SafeString:
    """Write the rows of a plot's table."""
    return plot_markup.rows_of(drawing)


@register.inclusion_tag("components/_spark.html")
def spark(line: Any) -> dict[str, Any]:
    """Draw an `apps.core.plots.Spark` beside a number: `{% spark row.trend %}`."""
    return {"spark": line}


@register.inclusion_tag("components/_key_reveal.html")
def key_reveal(secret: str, command: str = "", label: str = "") -> dict[str, Any]:
    """Show a secret this once, with a copy button and a command that uses it: `{% key_reveal secret curl %}`."""
    return {"secret": secret, "command": command, "label": label}


# --- frames around content ---------------------------------------------------------------------------


@register.simple_block_tag
def code(content: str, title: str = "", line: bool = False) -> str:  # noqa: FBT001, FBT002 -- a template argument
    """Show code with a copy button: `{% code title="curl" %}…{% endcode %}`; `line=True` for one line."""
    text = content.strip("\n")
    # The block's variables are escaped already; stripping lost that mark.
    context = {"text": mark_safe(text), "title": title, "line": line}  # noqa: S308
    return render_to_string("components/_code.html", context)


@register.simple_block_tag
def notice(content: str, tone: str = "info", title: str = "") -> str:
    """Say something in the page: `{% notice "warn" _("Payment failed") %}…{% endnotice %}`."""
    look = MESSAGE_TONES.get(tone, tone)
    return render_to_string(
        "components/_notice.html",
        {"content": content, "tone": look, "title": title, "icon": NOTICE_ICONS.get(look, "info")},
    )


@register.simple_block_tag
def emptystate(content: str, title: str, icon: str = "inbox", command: str = "") -> str:
    """Teach the next step where a list is empty: `{% emptystate _("No keys yet") "key" %}…{% endemptystate %}`."""
    context = {"content": content, "title": title, "icon": icon, "command": command}
    return render_to_string("components/_empty.html", context)


@register.simple_block_tag
def card(content: str, title: str = "", href: str = "", modifier: str = "") -> str:
    """Frame one of several alike things: `{% card api.name href=url %}…{% endcard %}`."""
    context = {"content": content, "title": title, "href": href, "modifier": modifier}
    return render_to_string("components/_card.html", context)


@register.simple_block_tag
def disclosure(content: str, summary: str, open: bool = False) -> str:  # noqa: A002, FBT001, FBT002 -- HTML's word
    """Fold detail away: `{% disclosure _("Calculation") %}…{% enddisclosure %}`."""
    context = {"content": content, "summary": summary, "open": open}
    return render_to_string("components/_disclosure.html", context)


@register.simple_block_tag
def menu(content: str, label: str, icon: str = "", align: str = "end") -> str:
    """Open a menu of links and buttons: `{% menu _("More") "dots" %}<a class="menu__item" …>…{% endmenu %}`."""
    context = {"content": content, "label": label, "icon": icon, "align": align}
    return render_to_string("components/_menu.html", context)


@register.simple_block_tag
def dialog(content: str, name: str, title: str) -> str:
    """Open over the page: `{% dialog "revoke" _("Revoke this key?") %}…{% enddialog %}`.

    Its opener is a link to a page that does the same without scripts:
    `<a class="button" href="{{ confirm_url }}" data-dialog="revoke">`.
    """
    return render_to_string(
        "components/_dialog.html", {"content": content, "name": name, "title": title}
    )
