"""What the converters read of a TensorFlow Lite file: its operations in order, and the constants among their operands.

Weights that the file holds as halves, to be widened when it is loaded, are widened here.
"""

import dataclasses

import numpy
import tflite

_TYPES = {0: numpy.float32, 1: numpy.float16, 2: numpy.int32, 4: numpy.int64}
_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}


@dataclasses.dataclass
class Operation:
    kind: str
    inputs: list[int]
    output: int
    # By operand: the constants among the inputs.
    constants: dict[int, numpy.ndarray]

    def weight(self) -> numpy.ndarray:
        """A convolution's, in the order [out, in, row, column]."""
        order = (0, 3, 1, 2) if self.kind == "CONV_2D" else (3, 0, 1, 2)
        return self.constants[1].transpose(order)


def operations(data: bytes) -> list[Operation]:
    model = tflite.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    constants = {}
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        buffer = model.Buffers(tensor.Buffer())
        if buffer.DataLength() > 0:
            shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
            constants[index] = numpy.frombuffer(buffer.DataAsNumpy().tobytes(), _TYPES[tensor.Type()]).reshape(shape)
    out = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = _NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [int(i) for i in operator.InputsAsNumpy()]
        output = int(operator.Outputs(0))
        if kind == "DEQUANTIZE" and inputs[0] in constants:
            constants[output] = constants[inputs[0]].astype(numpy.float32)
            continue
        known = {place: constants[i] for place, i in enumerate(inputs) if i in constants}
        out.append(Operation(kind, inputs, output, known))
    return out
