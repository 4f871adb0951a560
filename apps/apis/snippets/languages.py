"""A call written down in four languages, with nothing but their standard libraries.

People run what they copy, and the documents come from strangers: every text becomes a literal of the language.
"""

from __future__ import annotations

import json
import shlex
from typing import Final, NamedTuple

from apps.apis.snippets.calls import Call

KEY_NAME: Final = "X-Api-Key"
KEY_VARIABLE: Final = "TOLLGATE_KEY"


class Snippet(NamedTuple):
    """Code in one language. Languages are called as they call themselves."""

    language: str
    label: str
    code: str


def snippets_of(call: Call, *, secret: str = "") -> list[Snippet]:
    """Return a call in curl, Python, JavaScript and Go.

    Without a secret, the key is read from the environment variable `TOLLGATE_KEY`.
    """
    return [
        Snippet("curl", "curl", curl(call, secret=secret)),
        Snippet("python", "Python", python(call, secret=secret)),
        Snippet("javascript", "JavaScript", javascript(call, secret=secret)),
        Snippet("go", "Go", go(call, secret=secret)),
    ]


def curl(call: Call, *, secret: str = "") -> str:
    """Return a command for a POSIX shell."""
    lines = [f"curl {shlex.quote(call.url)}"]
    if call.method == "HEAD":
        lines[0] = lines[0].replace("curl ", "curl --head ", 1)
    elif call.method != "GET":
        lines[0] = lines[0].replace("curl ", f"curl -X {call.method} ", 1)
    key = shlex.quote(f"{KEY_NAME}: {secret}") if secret else f'"{KEY_NAME}: ${KEY_VARIABLE}"'
    lines.append(f"-H {key}")
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers]
    if call.body is not None:
        lines.append(f"-d {shlex.quote(call.body)}")
    return " \\\n  ".join(lines)


def python(call: Call, *, secret: str = "") -> str:
    """Return a program for Python 3."""
    key = _plain(secret) if secret else f"os.environ[{_plain(KEY_VARIABLE)}]"
    headers = [f"        {_plain(KEY_NAME)}: {key},"]
    headers += [f"        {_plain(name)}: {_plain(value)}," for name, value in call.headers]
    lines = [
        *([] if secret else ["import os"]),
        "import urllib.request",
        "",
        "request = urllib.request.Request(",
        f"    {_plain(call.url)},",
        f"    method={_plain(call.method)},",
        "    headers={",
        *headers,
        "    },",
        *([f"    data={_plain(call.body)}.encode(),"] if call.body is not None else []),
        ")",
        "with urllib.request.urlopen(request) as response:",
        "    print(response.status, response.read().decode())",
    ]
    return "\n".join(lines)


def javascript(call: Call, *, secret: str = "") -> str:
    """Return a program for Node.js 18 or later."""
    key = _json(secret) if secret else f"process.env.{KEY_VARIABLE}"
    headers = [f"    {_json(KEY_NAME)}: {key},"]
    headers += [f"    {_json(name)}: {_json(value)}," for name, value in call.headers]
    lines = [
        f"fetch({_json(call.url)}, {{",
        f"  method: {_json(call.method)},",
        "  headers: {",
        *headers,
        "  },",
        *([f"  body: {_json(call.body)},"] if call.body is not None else []),
        "}).then(async (response) => {",
        "  console.log(response.status, await response.text());",
        "});",
    ]
    return "\n".join(lines)


def go(call: Call, *, secret: str = "") -> str:
    """Return a program for Go."""
    key = _plain(secret) if secret else f"os.Getenv({_plain(KEY_VARIABLE)})"
    body = "nil" if call.body is None else f"strings.NewReader({_plain(call.body)})"
    packages = ["fmt", "io", "net/http"]
    packages += [] if secret else ["os"]
    packages += [] if call.body is None else ["strings"]
    headers = [f"\trequest.Header.Set({_plain(KEY_NAME)}, {key})"]
    headers += [
        f"\trequest.Header.Set({_plain(name)}, {_plain(value)})" for name, value in call.headers
    ]
    lines = [
        "package main",
        "",
        "import (",
        *(f'\t"{name}"' for name in packages),
        ")",
        "",
        "func main() {",
        f"\trequest, err := http.NewRequest({_plain(call.method)}, {_plain(call.url)}, {body})",
        "\tif err != nil {",
        "\t\tpanic(err)",
        "\t}",
        *headers,
        "\tresponse, err := http.DefaultClient.Do(request)",
        "\tif err != nil {",
        "\t\tpanic(err)",
        "\t}",
        "\tdefer response.Body.Close()",
        "\tanswer, err := io.ReadAll(response.Body)",
        "\tif err != nil {",
        "\t\tpanic(err)",
        "\t}",
        "\tfmt.Println(response.StatusCode, string(answer))",
        "}",
    ]
    return "\n".join(lines)


def _json(text: str) -> str:
    return json.dumps(text)


def _plain(text: str) -> str:
    """Write a text as a literal that Python and Go both read, in printable ASCII."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    if letter in {'"', "\\"}:
        return f"\\{letter}"
    code = ord(letter)
    if 0x20 <= code <= 0x7E:
        return letter
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
