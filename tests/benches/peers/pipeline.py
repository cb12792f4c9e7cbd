"""Two photos in, how alike their faces are out, as one would write it in Python: OpenCV decodes, scales and aligns, ONNX
Runtime runs the same two networks. And the same by face_recognition (dlib), where that is installed.
"""

import cv2
import numpy as np
import onnxruntime

import originals

TEMPLATE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
CONFIDENCE = 0.7


class Pipeline:
    def __init__(self, read, threads: int, size: tuple[int, int]):
        """`size`: height and width of the picture that the detector sees."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        start = lambda model: onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.padded = [-(-side // 32) * 32 for side in size]
        self.detector = start(originals.yunet(read, *self.padded))
        self.embedder = start(originals.sface_twin())
        cv2.setNumThreads(threads)

    def compare(self, first: bytes, second: bytes) -> float:
        faces = np.stack([self.face(photo) for photo in (first, second)])
        a, b = self.embedder.run(None, {"data": faces})[0]
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    def face(self, file: bytes) -> np.ndarray:
        photo = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        factor = max(1.0, max(photo.shape) / 640)
        shown = cv2.resize(photo, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
        high, wide = (side - shown.shape[axis] for axis, side in enumerate(self.padded))
        shown = cv2.copyMakeBorder(shown, 0, high, 0, wide, cv2.BORDER_CONSTANT)
        planes = shown.astype(np.float32).transpose(2, 0, 1)[None]
        maps = self.detector.run(originals.MAPS, {self.detector.get_inputs()[0].name: planes})
        points = self.best(maps) * factor
        crop = cv2.warpAffine(photo, similarity(points), (112, 112), flags=cv2.INTER_LINEAR)
        return crop[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)

    def best(self, maps: list[np.ndarray]) -> np.ndarray:
        boxes, scores, points = [], [], []
        for level, stride in enumerate((8, 16, 32)):
            classes, objects, offsets, marks = (m[0] for m in maps[4 * level : 4 * level + 4])
            confidence = np.sqrt(classes.clip(0, 1) * objects.clip(0, 1))[:, 0]
            cells = np.nonzero(confidence >= CONFIDENCE)[0]
            corner = np.stack([cells % (self.padded[1] // stride), cells // (self.padded[1] // stride)], 1)
            middle = (corner + offsets[cells, :2]) * stride
            sides = np.exp(offsets[cells, 2:]) * stride
            boxes.append(np.concatenate([middle - sides / 2, sides], 1))
            scores.append(confidence[cells])
            points.append((marks[cells].reshape(-1, 5, 2) + corner[:, None]) * stride)
        boxes, scores, points = (np.concatenate(parts) for parts in (boxes, scores, points))
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), CONFIDENCE, 0.3)
        largest = max(kept, key=lambda i: boxes[i, 2] * boxes[i, 3])
        return points[largest]


def similarity(points: np.ndarray) -> np.ndarray:
    """Umeyama's least-squares similarity."""
    middle, target = points.mean(0), TEMPLATE.mean(0)
    centred = points - middle
    u, s, v = np.linalg.svd((TEMPLATE - target).T @ centred / len(points))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    turn = u @ np.diag(signs) @ v * (s * signs).sum() / centred.var(0).sum()
    return np.hstack([turn, (target - turn @ middle)[:, None]])


def by_dlib():
    """A function like `Pipeline.compare`, or why there is none."""
    try:
        import face_recognition
    except BaseException as why:  # Its models' package ends the program where setuptools is missing.
        return None, repr(why)

    def compare(first: bytes, second: bytes) -> float:
        faces = []
        for file in (first, second):
            photo = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1].copy()
            faces.append(face_recognition.face_encodings(photo)[0])
        return 1 - float(np.linalg.norm(faces[0] - faces[1]))

    return compare, None
