"""The catalogue in the database: all or nothing, revisions, who owns what, followers, the watcher."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import close_old_connections, connection

from apps.core.actors import Actor
from apps.core.attention import attention_items
from apps.core.exceptions import Conflict
from apps.core.metrics import render_metrics
from apps.core.models import AuditEvent
from apps.core.relay import drain_until_empty
from apps.pricing import services
from apps.pricing.catalogue_watch import CatalogueWatcher
from apps.pricing.enums import CatalogueOrigin, LoadOutcome
from apps.pricing.exceptions import (
    CatalogueInvalid,
    CatalogueUnreadable,
    OwnedByFile,
    PricingModelInactive,
    PricingModelInvalid,
    PricingModelTaken,
)
from apps.pricing.models import CatalogueLoad, CatalogueModel, CatalogueRevision, Promotion
from apps.pricing.promotion_drafts import draft_of_promotion
from apps.pricing.selectors import current_version_of, draft_of
from deploy.local.state import PROJECT
from tests.factories.apis import make_api

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("tests")


def model(key: str = "basic", price: str = "10", **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "name": key.capitalize(),
        "type": "subscription",
        "billing_cycle": "monthly",
        "base_price": price,
        **more,
    }


def write(path: Path, *models: dict[str, Any]) -> Path:
    rows = [
        "  - {" + ", ".join(f"{name}: {value}" for name, value in row.items()) + "}"
        for row in models
    ]
    path.write_text("\n".join(["pricing_models:", *rows, ""]), encoding="utf-8")
    return path


def load(path: Path) -> CatalogueLoad:
    return services.load_catalogue(path=path, trigger="test", actor=SYSTEM)


def price_now(key: str) -> Decimal:
    version = services.newest_version_of(CatalogueModel.objects.get(key=key))
    return Decimal(version.definition["base_price"])


def test_a_valid_file_appears_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "prices.yaml", model(), model("plus", "25.50"))
    first = load(path)
    assert first.revision is not None
    assert (first.outcome, first.revision.number) == (LoadOutcome.APPLIED, 1)
    assert load(path).outcome == LoadOutcome.UNCHANGED

    write(path, model(price="12"), model("plus", "-1"))
    with pytest.raises(CatalogueInvalid) as refused:
        load(path)

    problem = refused.value.extra["errors"][0]
    assert (problem["file"], problem["line"]) == ("prices.yaml", 3)
    assert problem["pointer"] == "/pricing_models/1/base_price"
    assert (price_now("basic"), price_now("plus")) == (Decimal(10), Decimal("25.50"))
    assert CatalogueRevision.objects.count() == 1
    last = CatalogueLoad.objects.first()
    assert last is not None
    assert (last.outcome, last.problems[0]["line"]) == (LoadOutcome.REFUSED, 3)
    assert [str(item.label) for item in attention_items(SYSTEM)] == ["Pricing catalogue refused"]
    assert b"tollgate_pricing_catalogue_refused 1.0" in render_metrics()

    with pytest.raises(CatalogueUnreadable):
        load(tmp_path / "none.yaml")
    assert AuditEvent.objects.filter(action="pricing:catalogue:loaded").count() == 1


def test_versions_are_kept_and_a_removed_model_becomes_inactive(tmp_path: Path) -> None:
    path = write(tmp_path / "prices.yaml", model(), model("plus"))
    load(path)
    write(path, model(price="12"))
    revision = load(path).revision

    basic, plus = CatalogueModel.objects.order_by("key")
    assert [v.definition["base_price"] for v in basic.versions.all()] == [12, 10]
    assert (basic.is_active, plus.is_active, plus.versions.count()) == (True, False, 1)
    assert revision is not None
    assert revision.files == {"prices.yaml": path.read_text(encoding="utf-8")}
    write(path, model(price="12"), model("plus"))
    load(path)
    plus.refresh_from_db()
    assert (plus.is_active, plus.versions.count()) == (True, 1)


def test_a_rollback_is_a_revision_that_the_watcher_leaves_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "prices.yaml", model())
    first = load(path).revision
    assert first is not None
    write(path, model(price="99"), model("later"))
    load(path)

    back = services.roll_back_catalogue(revision=first, actor=SYSTEM, reason="too dear")

    assert (back.number, back.origin, back.restored) == (3, CatalogueOrigin.ROLLBACK, first)
    assert price_now("basic") == Decimal(10)
    assert not CatalogueModel.objects.get(key="later").is_active
    watcher = CatalogueWatcher()
    assert not any([watcher.look(path), watcher.look(path)])
    assert [str(item.label) for item in attention_items(SYSTEM)] == [
        "Pricing catalogue rolled back"
    ]
    assert load(path).outcome == LoadOutcome.APPLIED  # asked for: the files are in force again
    assert price_now("basic") == Decimal(99)


def test_the_back_office_owns_what_it_made_until_a_file_adopts_it(tmp_path: Path) -> None:
    made = services.create_pricing_model(definition=model(), actor=SYSTEM)
    with pytest.raises(PricingModelTaken):
        services.create_pricing_model(definition=model(), actor=SYSTEM)
    path = write(tmp_path / "prices.yaml", model(price="12"))
    with pytest.raises(CatalogueInvalid) as refused:
        load(path)
    assert refused.value.extra["errors"][0]["code"] == "owned_elsewhere"
    assert price_now("basic") == Decimal(10)

    write(path, model(price="12", adopt="true"))
    load(path)

    made.refresh_from_db()
    assert (made.owner, made.source_file, price_now("basic")) == (
        "file",
        "prices.yaml",
        Decimal(12),
    )
    with pytest.raises(OwnedByFile) as owned:
        services.update_pricing_model(model=made, definition=model(price="1"), actor=SYSTEM)
    assert owned.value.extra["file"] == "prices.yaml"
    with pytest.raises(OwnedByFile):
        services.set_pricing_model_active(model=made, is_active=False, actor=SYSTEM)


def test_a_model_of_the_back_office_is_changed_and_switched_off(tmp_path: Path) -> None:
    load(write(tmp_path / "prices.yaml", model("plus")))
    made = services.create_pricing_model(definition=model(), actor=SYSTEM)
    services.update_pricing_model(model=made, definition=model(price="11.5"), actor=SYSTEM)
    with pytest.raises(PricingModelInvalid) as refused:
        services.update_pricing_model(model=made, definition=model(price="-1"), actor=SYSTEM)
    assert refused.value.extra["errors"][0]["pointer"] == "/base_price"
    with pytest.raises(PricingModelInvalid):
        services.update_pricing_model(model=made, definition=model("other"), actor=SYSTEM)
    off = services.set_pricing_model_active(model=made, is_active=False, actor=SYSTEM)

    assert (off.is_active, off.versions.count(), price_now("basic")) == (False, 2, Decimal("11.5"))
    assert CatalogueRevision.objects.count() == 4
    assert load(tmp_path / "prices.yaml").outcome == LoadOutcome.UNCHANGED


def test_plans_follow_a_model_with_a_new_version_for_new_subscribers(tmp_path: Path) -> None:
    path = write(tmp_path / "prices.yaml", model(trial_days=7))
    load(path)
    template = CatalogueModel.objects.get(key="basic")
    made = {
        follow: services.create_plan_from_model(
            api=make_api(), model=template, follow=follow, actor=SYSTEM
        )
        for follow in (True, False)
    }
    for plan in made.values():
        assert (plan.name, plan.trial_days) == ("Basic", 7)
        services.publish_plan(plan=plan, actor=SYSTEM)
    before = current_version_of(made[True])

    write(path, model(price="20"))
    load(path)
    drain_until_empty()
    drain_until_empty()  # at least once: a second delivery changes nothing

    fees = {
        follow: draft_of(version).components[0].flat_fee
        for follow, plan in made.items()
        if (version := current_version_of(plan))
    }
    assert fees == {True: Decimal(20), False: Decimal(10)}
    assert made[True].versions.count() == 2
    now = current_version_of(made[True])
    assert before is not None
    assert now is not None
    assert now.model_version == services.newest_version_of(template)
    before.refresh_from_db()
    assert draft_of(before).components[0].flat_fee == Decimal(10)  # subscribers stay on it

    write(path, model(price="20", description="Words"))
    load(path)
    drain_until_empty()
    assert made[True].versions.count() == 2  # words are no price
    services.follow_model(plan=made[True], model=None, actor=SYSTEM)
    write(path, model(price="30"))
    load(path)
    drain_until_empty()
    assert made[True].versions.count() == 2


def test_a_follower_that_lacks_a_meter_keeps_its_price_and_the_trail_says_why(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "prices.yaml", model())
    load(path)
    template = CatalogueModel.objects.get(key="basic")
    plan = services.create_plan_from_model(
        api=make_api(), model=template, follow=True, actor=SYSTEM
    )
    write(path, model(overage="{price_per_unit: {tokens: 1}}"))
    load(path)
    drain_until_empty()

    assert plan.versions.count() == 1
    event = AuditEvent.objects.get(action="pricing:plan:follow_refused")
    assert (event.target_id, event.after["code"]) == (plan.pk, "invalid_price")
    write(path)
    load(path)
    with pytest.raises(PricingModelInactive):
        services.create_plan_from_model(
            api=plan.api, model=CatalogueModel.objects.get(), follow=True, actor=SYSTEM
        )


def test_the_watcher_loads_what_changed_once_it_stands_still(tmp_path: Path) -> None:
    watcher = CatalogueWatcher()
    assert not watcher.look(tmp_path / "none.yaml")
    path = write(tmp_path / "prices.yaml", model())
    assert not watcher.look(tmp_path)  # maybe still being written
    assert watcher.look(tmp_path)
    assert not watcher.look(tmp_path)
    write(path, model(price="12"))
    os.utime(path, ns=(1, 1))
    assert [watcher.look(tmp_path), watcher.look(tmp_path)] == [False, True]
    assert price_now("basic") == Decimal(12)

    write(path, model(price="-1"))
    os.utime(path, ns=(2, 2))
    assert [watcher.look(tmp_path) for _look in range(4)] == [False, True, False, False]
    assert price_now("basic") == Decimal(12)
    outcomes = CatalogueLoad.objects.values_list("outcome", "trigger")
    assert list(outcomes) == [
        ("refused", "watcher"),
        ("applied", "watcher"),
        ("applied", "watcher"),
    ]
    assert not any(CatalogueWatcher().look(tmp_path) for _look in range(3))  # another leader


def test_the_command_loads_from_the_configured_place(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.PRICING_CATALOGUE = str(write(tmp_path / "prices.yaml", model()))
    call_command("load_pricing")
    call_command("load_pricing")

    assert "applied: revision 1" in capsys.readouterr().out
    assert CatalogueModel.objects.get().source_line == 2


def test_promotions_of_files_are_made_changed_and_switched_off(tmp_path: Path) -> None:
    text = (
        "promotions:\n  - {id: autumn, name: Autumn, kind: percentage, code: AUTUMN,\n"
        "     percent_off: 15, starts_at: 2026-09-01}\n"
    )
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    first = load(path).revision
    promotion = Promotion.objects.get()
    assert (promotion.is_operators, promotion.percent_off) == (True, Decimal(15))
    assert promotion.starts_at == datetime(2026, 9, 1, tzinfo=UTC)
    with pytest.raises(OwnedByFile):
        services.deactivate_promotion(promotion=promotion, actor=SYSTEM)
    with pytest.raises(OwnedByFile):
        services.update_promotion(
            promotion=promotion, draft=draft_of_promotion(promotion), actor=SYSTEM
        )

    path.write_text(text.replace("15", "20"), encoding="utf-8")
    load(path)
    promotion.refresh_from_db()
    assert promotion.percent_off == Decimal(20)
    Promotion.objects.filter(pk=promotion.pk).update(redemption_count=1)
    path.write_text(text.replace("15", "25"), encoding="utf-8")
    with pytest.raises(CatalogueInvalid) as refused:
        load(path)
    problem = refused.value.extra["errors"][0]
    assert (problem["line"], problem["pointer"], problem["code"]) == (
        3,
        "/promotions/0/percent_off",
        "promotion_in_use",
    )
    assert first is not None
    with pytest.raises(Conflict):
        services.roll_back_catalogue(revision=first, actor=SYSTEM, reason="back")
    promotion.refresh_from_db()
    assert (promotion.percent_off, CatalogueRevision.objects.count()) == (Decimal(20), 2)

    write(path, model())
    load(path)
    promotion.refresh_from_db()
    assert not promotion.is_active
    services.activate_promotion(promotion=promotion, actor=SYSTEM)  # the files let go of it


def test_the_example_of_the_documentation_is_loaded() -> None:
    done = load(PROJECT / "docs" / "domain" / "pricing-catalogue.example.yaml")

    assert done.revision is not None
    assert CatalogueModel.objects.filter(is_active=True).count() == 5
    assert dict(Promotion.objects.values_list("name", "is_active")) == {
        "Autumn": True,
        "First month free": False,
    }
    assert set(done.revision.content["promotions"]) == {"autumn", "newcomers"}


@pytest.mark.django_db(transaction=True)
def test_loads_at_the_same_time_are_one_revision_each(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{n}.yaml", model(price=str(n)), model(f"only-{n}")) for n in range(4)
    ]

    def run(path: Path) -> str:
        close_old_connections()
        try:
            return load(path).outcome
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(run, [*paths, *paths[:1]]))

    applied = outcomes.count("applied")
    numbers = sorted(CatalogueRevision.objects.values_list("number", flat=True))
    assert numbers == list(range(1, applied + 1))
    assert applied in {4, 5}
    newest = CatalogueRevision.objects.order_by("-number")[0]
    active = set(CatalogueModel.objects.filter(is_active=True).values_list("key", flat=True))
    assert active == {key for key, row in newest.content["models"].items() if row["is_active"]}
    assert len(active) == 2  # one file's models, never a mixture
