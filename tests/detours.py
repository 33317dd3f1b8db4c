"""Ways around a closed door: other spellings of an address, other methods, other hosts, files that lie elsewhere."""

from collections.abc import Iterator
from urllib.parse import quote

EVIL = "evil.example"


def spellings(path: str) -> Iterator[str]:
    """Other spellings of an address, none of which may be let through where it is not: as they go over the wire."""
    folder, _, name = path.rpartition("/")
    yield f"/{path}"
    yield f"//{path}"
    yield path.replace("/", "//")
    yield f"{folder}//{name}"
    yield f"{path}/"
    yield f"{path}//"
    yield path.upper()
    yield f"{folder}/{name.capitalize()}"
    yield f"{folder}/./{name}"
    yield f"{folder}/%2e/{name}"
    yield f"/.{path}"
    for up in ("..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..;"):
        yield f"{folder}/health/{up}/{name}"
        yield f"/api/v1/health/{up}/{up}/{up}{path}"
        yield f"/docs/{up}{path}"
        yield f"/app/x/{up}/{up}{path}"
    yield f"{folder}%2f{name}"
    yield path.replace("/", "%2F")
    yield path.replace("/", "\\")
    yield path.replace("/", "%5c")
    yield f"{folder}/%{ord(name[0]):x}{name[1:]}"
    yield f"{folder}/%25{ord(name[0]):x}{name[1:]}"
    for end in (
        "%00",
        "%20",
        "%09",
        "%0a",
        ".",
        ".json",
        ";",
        ";x=y",
        "%3f",
        "%23",
        "%3b",
        "/.",
        "/..",
        "/%2e",
        "?",
        "?/",
    ):
        yield path + end
    yield f"{path}?x=/api/v1/health"
    yield f"/api/v1/health/{name}"
    yield f"/api/v1/health;{path}"
    yield f"/%c0%af{path[1:]}"
    yield f"/%e2%81%84{path[1:]}"


def overrides(method: str, path: str) -> Iterator[tuple[str, str]]:
    """Headers by which some servers take a request for another one."""
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
        yield name, method
    for name in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-URI", "X-Forwarded-Path", "X-Forwarded-Prefix"):
        yield name, path


# By which some servers make their own address, and who else might be meant.
HOSTS = (
    ("Host", EVIL),
    ("Host", f"{EVIL}:443"),
    ("X-Forwarded-Host", EVIL),
    ("X-Host", EVIL),
    ("X-Forwarded-Server", EVIL),
    ("X-Forwarded-Proto", f"https://{EVIL}/"),
    ("Forwarded", f"host={EVIL};proto=https"),
    ("Origin", f"https://{EVIL}"),
    ("Referer", f"https://{EVIL}/"),
)


def files_elsewhere() -> Iterator[str]:
    """Names, as a last part of an address, of files that lie outside of a folder, or in it and are not served."""
    targets = ("page.py", "docs.py", "../settings.py", "etc/passwd", "proc/self/environ", "model.json", "__init__.py")
    for target in targets:
        for up in ("../", "../../", "../" * 12, "..\\", "....//", "./../", "/", "file:///", "\\\\host\\"):
            yield quote(up + target, safe="")
            yield quote(up + target, safe=".")
            yield quote(quote(up + target, safe=""), safe="")
            yield quote(up + target, safe="/\\:").replace("..", "%2e%2e")
            yield quote(up + target, safe="/\\:")
    for name in (
        "index.html",
        ".",
        "..",
        "%2e",
        "%2e%2e",
        "%00",
        "main.js%00",
        "main.js%00.css",
        "main.js/",
        "main.js%20",
    ):
        yield name
    for name in (
        "MAIN.JS",
        "main.js.map",
        "main.js~",
        ".main.js.swp",
        "*",
        "main.js;",
        "con",
        "n" * 5_000,
        "%ff",
        "%c0%ae%c0%ae%c0%af",
    ):
        yield name
