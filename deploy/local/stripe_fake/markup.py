"""What the hosted pages look like."""

from __future__ import annotations

from http import HTTPStatus

from deploy.local.stripe_fake.messages import Response, html_response

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 26rem; margin: 8vh auto; padding: 0 1rem; }
label { display: block; margin: .75rem 0; }
input { display: block; width: 100%; padding: .5rem; font: inherit; box-sizing: border-box; }
button { padding: .6rem 1rem; font: inherit; margin-right: .5rem; }
.note { opacity: .75; } .error { color: #b3261e; }
"""


def money(amount_minor: int, currency: str) -> str:
    if currency in ("jpy", "krw", "vnd", "xof", "xaf", "clp"):
        return f"{amount_minor} {currency.upper()}"
    units, cents = divmod(amount_minor, 100)
    return f"{units}.{cents:02} {currency.upper()}"


def page(title: str, body: str, status: int = HTTPStatus.OK) -> Response:
    return html_response(
        f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/pay/style.css">
<main><h1>{title}</h1><p class="note">Local Stripe: no money moves.</p>{body}</main></html>""",
        status,
    )


def not_found() -> Response:
    return page("Not found", "<p>There is no such page.</p>", HTTPStatus.NOT_FOUND)
