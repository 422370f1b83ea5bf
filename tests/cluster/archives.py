"""Container images of one static binary each, as docker archives: no registry and no build tool is needed."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """An image to write: its tag, its one program, where the program lies in it, and who runs it."""

    tag: str
    program: Path
    entrypoint: str
    user: int = 1000


def write(archive: Path, images: list[Image]) -> None:
    """Writes images into one docker archive. The same programs give the same bytes."""
    manifest = []
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for image in images:
            layer = archive.with_name(f"{archive.name}.layer")
            try:
                _write_layer(layer, image)
                diff_id = _digest(layer)
                layer_name = f"{diff_id}/layer.tar"
                tar.add(layer, arcname=layer_name, filter=_plain)
            finally:
                layer.unlink(missing_ok=True)
            config = json.dumps(_config(image, diff_id), sort_keys=True).encode()
            config_name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(tar, config_name, config)
            manifest.append({"Config": config_name, "RepoTags": [image.tag], "Layers": [layer_name]})
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _config(image: Image, diff_id: str) -> dict[str, object]:
    machine = platform.machine()
    return {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Entrypoint": [image.entrypoint], "User": str(image.user), "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created_by": "frit tests"}],
    }


def _write_layer(layer: Path, image: Image) -> None:
    with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as tar:
        for folder in reversed(Path(image.entrypoint).parents[:-1]):
            info = tarfile.TarInfo(str(folder).lstrip("/"))
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        info = tarfile.TarInfo(image.entrypoint.lstrip("/"))
        info.size, info.mode = image.program.stat().st_size, 0o755
        with image.program.open("rb") as stream:
            tar.addfile(info, stream)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mtime, info.uid, info.gid, info.uname, info.gname, info.mode = 0, 0, 0, "", "", 0o644
    return info


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    tar.addfile(info, io.BytesIO(content))


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
