"""Logos: any picture becomes a small one of our own making, anything else is refused."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, PngImagePlugin
from rest_framework.test import APIClient

from apps.accounts.models import Membership, User
from apps.apis.models import Api, ApiLogo
from apps.apis.services import set_logo
from apps.core.actors import Actor
from tests.apps.apis.conftest import Upstream
from tests.factories.apis import ApiFactory, make_api

pytestmark = pytest.mark.django_db


def picture(kind: str = "PNG", size: tuple[int, int] = (600, 300), **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "teal").save(written, kind, **options)
    return written.getvalue()


def png_bomb() -> bytes:
    """Return a few bytes that announce a picture of 60 000 × 60 000 pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def member(make_member: Callable[..., Membership]) -> Membership:
    return make_member("developer")


@pytest.fixture
def api(member: Membership) -> Api:
    return ApiFactory(organization=member.organization)


@pytest.fixture
def client(member: Membership, api_client: Callable[..., APIClient]) -> APIClient:
    return api_client(member)


def send(client: APIClient, api: Api, content: bytes, name: str = "logo.png") -> Any:
    upload = SimpleUploadedFile(name, content)
    return client.put(
        f"/api/v1/provider/apis/{api.public_id}/logo", {"logo": upload}, format="multipart"
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_becomes_a_small_webp_without_metadata(
    client: APIClient, api: Api, kind: str
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"

    answer = send(client, api, picture(kind, exif=exif))

    logo = ApiLogo.objects.get()
    stored = Image.open(io.BytesIO(bytes(logo.image)))
    assert answer.status_code == 200
    assert (stored.format, stored.size, logo.content_type) == ("WEBP", (256, 128), "image/webp")
    assert not stored.getexif()
    assert b"taken at home" not in bytes(logo.image)
    assert answer.json()["logo_url"].endswith(logo.digest)


def test_texts_hidden_in_a_picture_are_dropped(client: APIClient, api: Api) -> None:
    hidden = PngImagePlugin.PngInfo()
    hidden.add_text("note", "<script>alert(1)</script>")

    send(client, api, picture(pnginfo=hidden))

    assert b"script" not in bytes(ApiLogo.objects.get().image)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just words",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        picture()[:200],
        picture("GIF"),
        png_bomb(),
        picture("BMP", (70, 70)),
    ],
)
def test_what_is_no_picture_is_a_400_naming_the_logo(
    client: APIClient, api: Api, content: bytes
) -> None:
    answer = send(client, api, content)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/logo")
    assert not ApiLogo.objects.exists()


def test_more_than_a_megabyte_is_refused(client: APIClient, api: Api) -> None:
    answer = send(client, api, b"\0" * 1_200_000)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (413, "/logo")


def test_a_logo_is_read_from_an_address_but_not_from_an_inner_one(
    client: APIClient, api: Api, upstream: Upstream
) -> None:
    upstream.answers["/logo.png"] = (200, picture())
    url = f"/api/v1/provider/apis/{api.public_id}/logo"

    assert client.put(url, {"url": f"{upstream.url}/logo.png"}).status_code == 200
    refused = client.put(url, {"url": "http://169.254.169.254/logo.png"})

    assert (refused.status_code, refused.json()["code"]) == (422, "unsafe_url")


def test_removing_a_logo_is_repeatable(client: APIClient, api: Api) -> None:
    send(client, api, picture())
    url = f"/api/v1/provider/apis/{api.public_id}/logo"

    assert [client.delete(url).status_code for _ in range(2)] == [204, 204]
    assert not ApiLogo.objects.exists()


def test_another_tenants_api_takes_no_logo(client: APIClient) -> None:
    assert send(client, ApiFactory(), picture()).status_code == 404


def logo_of(api: Api) -> str:
    logo = set_logo(api=api, content=picture(), actor=Actor.system("test"))
    return f"/apis/{api.slug}/logo/{logo.digest}"


def test_the_logo_of_a_public_api_is_kept_by_everybody(client_for: Callable[..., Client]) -> None:
    answer = Client().get(logo_of(make_api("active")))

    assert answer["Content-Type"] == "image/webp"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_logo_of_a_hidden_api_is_for_those_who_may_read_it(
    member: Membership,
    make_member: Callable[..., Membership],
    make_staff: Callable[..., User],
    client_for: Callable[..., Client],
) -> None:
    draft = logo_of(ApiFactory(organization=member.organization))
    private = logo_of(make_api("active", member.organization, visibility="private"))

    for url in (draft, private):
        own = client_for(member).get(url)
        assert (own.status_code, own["Cache-Control"].split(",")[0]) == (200, "private")
        assert client_for(make_staff("approver")).get(url).status_code == 200
        assert client_for(make_member("owner")).get(url).status_code == 404
        assert Client().get(url).status_code == 404


def test_a_replaced_logo_is_gone_from_its_old_address() -> None:
    api = make_api("active")
    old = logo_of(api)
    set_logo(api=api, content=picture(size=(10, 10)), actor=Actor.system("test"))

    assert Client().get(old).status_code == 404
