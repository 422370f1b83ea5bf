"""From the URL of a repository to what brings its files."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from base.errors import WrongUsage
from repositories.carriers import Carrier, FolderCarrier, Ways, WebCarrier
from repositories.credentials import Credentials
from repositories.objects import hide_credentials
from web import urls

NOBODY: Final = Credentials()
"""No credentials at all."""


def carrier_for(url: str, credentials: Credentials = NOBODY, ways: Ways | None = None) -> Carrier:
    """The carrier for a repository's URL: http, https, file or oci. Raises `WrongUsage` for any other."""
    ways = ways or Ways()
    scheme = url.partition(":")[0].lower()
    if scheme == "file":
        return FolderCarrier(folder_of(url))
    if "@" in _host_part(url):
        raise WrongUsage(
            f"the URL of {urls.shown(url)} holds credentials", hint="give them by options, which keep them out of sight"
        )
    if scheme == "oci":
        from repositories.oci import OciCarrier

        return OciCarrier(url, credentials, ways)
    if scheme not in ("http", "https"):
        raise WrongUsage(
            f"{hide_credentials(url)[:200]!a} does not begin with https://, http://, oci:// or file://",
            hint="for example: https://packages.example.com/team",
        )
    urls.check(url)
    if "?" in url or "#" in url:
        raise WrongUsage(
            f"the URL of {urls.shown(url)} has a part after '?' or '#', which the names of files cannot be added to",
            hint="name the folder that holds index.yaml",
        )
    return WebCarrier(url, credentials, ways)


def _host_part(url: str) -> str:
    """The part of a URL that names a host, also of one that is not quite a URL."""
    return url.partition("://")[2].partition("/")[0]


def folder_of(url: str) -> Path:
    """The folder that a file URL names. Raises `WrongUsage` for one of another machine or without a path."""
    try:
        parts = urlsplit(url)
        host, path = parts.netloc.lower(), unquote(parts.path)
    except ValueError:
        host, path = "?", ""
    if host not in ("", "localhost") or not path.startswith("/") or "\0" in path:
        raise WrongUsage(f"{url[:200]!a} names no folder of this machine", hint="for example: file:///srv/packages")
    return Path(path)
