"""Images as docker archives."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

from tests.cluster import archives


def _write(folder: Path, name: str) -> Path:
    program = folder / "program"
    program.write_bytes(b"\x7fELF" + b"x" * 5000)
    target = folder / name
    tags = ("quay.io/jetstack/cert-manager-webhook:v1", "frit.test/pause:1")
    archives.write(target, [archives.Image(tag, program, "/app/cmd/program") for tag in tags])
    return target


def test_archive_is_what_its_manifest_says(tmp_path: Path) -> None:
    """Every image has its tag, a configuration named by its digest, and a layer with the digest that it names."""
    with tarfile.open(_write(tmp_path, "images.tar")) as tar:
        names = set(tar.getnames())

        def content(name: str) -> bytes:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

        manifest = json.loads(content("manifest.json"))
        assert [entry["RepoTags"] for entry in manifest] == [
            ["quay.io/jetstack/cert-manager-webhook:v1"],
            ["frit.test/pause:1"],
        ]
        for entry in manifest:
            raw = content(entry["Config"])
            assert entry["Config"] == f"{hashlib.sha256(raw).hexdigest()}.json"
            config = json.loads(raw)
            assert config["config"]["Entrypoint"] == ["/app/cmd/program"]
            assert config["config"]["User"] == "1000"
            (layer,) = entry["Layers"]
            assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(content(layer)).hexdigest()}"]
        assert names == {"manifest.json", *(e["Config"] for e in manifest), *(e["Layers"][0] for e in manifest)}


def test_layer_has_an_executable_program_in_readable_folders(tmp_path: Path) -> None:
    """The program lies where the entrypoint says, for a user who isn't root too."""
    with tarfile.open(_write(tmp_path, "images.tar")) as tar:
        layer = tar.extractfile(next(name for name in tar.getnames() if name.endswith("/layer.tar")))
        with tarfile.open(fileobj=layer) as inner:
            modes = {member.name: (member.isdir(), oct(member.mode)) for member in inner.getmembers()}
    assert modes == {"app": (True, "0o755"), "app/cmd": (True, "0o755"), "app/cmd/program": (False, "0o755")}


def test_same_program_gives_same_bytes(tmp_path: Path) -> None:
    """Writing twice gives the same archive, and no intermediate file stays."""
    first, second = _write(tmp_path, "a.tar"), _write(tmp_path, "b.tar")
    assert first.read_bytes() == second.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tar", "b.tar", "program"]
