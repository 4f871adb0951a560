"""Template tags: what they write, and that they escape what they are given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import engines
from django.test import RequestFactory

from apps.core.money import Money


def render(source: str, **context: Any) -> str:
    request = RequestFactory().get("/list/?state=active&page=2")
    template = engines["django"].from_string(source)
    return " ".join(template.render(context, request).split())


class Form(forms.Form):
    name = forms.CharField(help_text="Shown to others.")
    terms = forms.BooleanField()
    scope = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect, required=False)


def test_money_takes_money_or_minor_units() -> None:
    assert render("{% money m %}|{% money 1250 'USD' %}", m=Money(5, "USD")) == "$0.05|$12.50"


@pytest.mark.parametrize(
    "tag", ["money x", "number x", "share x", "bytes x", "duration x", "when x", "day x"]
)
def test_missing_value_is_a_dash(tag: str) -> None:
    assert render(f"{{% {tag} %}}", x=None) == "–"


def test_instant_carries_its_iso_time() -> None:
    shown = render("{% when at %}", at=datetime(2026, 11, 20, 22, 15, tzinfo=UTC))
    assert 'datetime="2026-11-20T22:15:00+00:00"' in shown
    assert 'title="2026-11-20T22:15:00Z"' in shown


def test_badge_has_the_machines_word_and_tone() -> None:
    assert (
        render('{% badge "failed_sync" %}') == '<span class="badge badge--bad">Sync failed</span>'
    )
    assert "badge--busy" in render('{% badge "registering" %}')


def test_unknown_state_is_shown_neutral_by_its_name() -> None:
    assert (
        render('{% badge "half_done" %}') == '<span class="badge badge--neutral">Half done</span>'
    )


def test_short_id_keeps_kind_and_end() -> None:
    shown = render("{% short_id i %}", i="key_06f8x4e2m9t7wq3k5v1zc0bnd9")
    assert ">key_06f8…bnd9<" in shown
    assert 'title="key_06f8x4e2m9t7wq3k5v1zc0bnd9"' in shown


def test_values_are_escaped() -> None:
    evil = "<script>"
    shown = render(
        "{% badge e e %}{% short_id e %}{% initials e %}{% code %}{{ e }}{% endcode %}"
        "{% notice 'info' e %}{{ e }}{% endnotice %}{% emptystate e command=e %}{{ e }}{% endemptystate %}"
        "{% card e %}{% endcard %}{% stat e e e %}{% key_reveal e e %}{% disclosure e %}{% enddisclosure %}",
        e=evil,
    )
    assert evil not in shown
    assert shown.count("&lt;script&gt;") >= 12
    assert "&amp;lt;" not in shown


def test_field_ties_label_help_and_error_together() -> None:
    shown = render("{% field form.name %}", form=Form({}))
    assert '<label class="field__label" for="id_name">' in shown
    assert 'aria-describedby="id_name_helptext id_name_error"' in shown
    assert 'id="id_name_helptext"' in shown
    assert '<div id="id_name_error">' in shown


def test_group_of_choices_is_a_fieldset_with_a_legend() -> None:
    shown = render("{% field form.scope %}", form=Form())
    assert shown.startswith('<fieldset class="field"')
    assert "<legend" in shown


def test_error_summary_links_to_the_fields() -> None:
    shown = render("{% form_errors form %}", form=Form({}))
    assert '<a href="#id_name">Name</a>' in shown
    assert '<a href="#id_terms">Terms</a>' in shown


def test_form_without_errors_has_no_summary() -> None:
    assert render("{% form_errors form %}", form=Form()) == ""


def test_pagination_keeps_the_rest_of_the_query() -> None:
    page = Paginator(range(100), 10).page(2)
    shown = render("{% pagination page %}", page=page)
    assert 'href="?state=active&amp;page=3"' in shown
    assert "11–20 of 100" in shown


def test_cursor_pagination_links_only_where_there_is_more() -> None:
    shown = render("{% pagination cursors %}", cursors={"previous": "", "next": "abc"})
    assert 'rel="next"' in shown
    assert 'rel="prev"' not in shown


def test_single_page_needs_no_pagination() -> None:
    assert render("{% pagination page %}", page=Paginator(range(3), 10).page(1)) == ""


@pytest.mark.parametrize(
    ("used", "limit", "tone"),
    [(79, 100, None), (80, 100, "warn"), (100, 100, "bad"), (1, 0, "bad")],
)
def test_quota_warns_before_it_is_used_up(used: int, limit: int, tone: str | None) -> None:
    shown = render("{% quota used limit 'calls' %}", used=used, limit=limit)
    assert ('class="bar"' in shown) == (tone is None)
    assert tone is None or f"bar--{tone}" in shown


def test_quota_without_a_limit_has_no_bar() -> None:
    shown = render("{% quota 5 None 'calls' %}")
    assert "<progress" not in shown
    assert "no limit" in shown


def test_current_marks_the_page_and_what_is_below_it() -> None:
    source = "{% current '/list/' %}|{% current '/' %}|{% current '/li' exact=True %}"
    assert render(source) == 'aria-current="page"||'


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox · Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/150.0 Safari/537.36 Edg/150.0", "Edge · Windows"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/150.0 Mobile Safari/537.36", "Chrome · Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Version/19 Safari/605.1", "Safari · macOS"),
        ("", "Unknown browser"),
    ],
)
def test_browser_is_named(header: str, shown: str) -> None:
    assert render("{% browser header %}", header=header) == shown
