"""Jars made in a moment, and the words that tests of the workspace share."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

_EPOCH = (2020, 1, 1, 0, 0, 0)
MANIFEST = "META-INF/MANIFEST.MF"
CLASS = b"\xca\xfe\xba\xbe\0\0\0\x34"


def jar(
    path: Path,
    *,
    maven: Iterable[str] = (),
    manifest: Mapping[str, str] | None = None,
    entries: Iterable[tuple[str | zipfile.ZipInfo, str | bytes]] = (("demo/Main.class", CLASS),),
) -> Path:
    """A jar with *entries*, a manifest, and a ``pom.properties`` for each coordinate of *maven* (``group:artifact:version``)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        if manifest is not None:
            lines = "".join(f"{key}: {value}\r\n" for key, value in {"Manifest-Version": "1.0", **manifest}.items())
            target.writestr(zipfile.ZipInfo(MANIFEST, _EPOCH), f"{lines}\r\n")
        for coordinate in maven:
            group, artifact, version = coordinate.split(":")
            told = f"#Generated\nversion={version}\ngroupId={group}\nartifactId={artifact}\n"
            target.writestr(zipfile.ZipInfo(f"META-INF/maven/{group}/{artifact}/pom.properties", _EPOCH), told)
        for entry, content in entries:
            named = zipfile.ZipInfo(entry, _EPOCH) if isinstance(entry, str) else entry
            target.writestr(named, content, zipfile.ZIP_DEFLATED)
    return path
