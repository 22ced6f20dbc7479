"""The model as a graph for onnxruntime: BERT of six layers, mean of the words, unit length.

There are two such means. The last layer's is what the model was trained for: what is meant. The
one before it is nearer to how it is said, and tells like intents apart; since all sentences
look much alike there, what is usual (`usual.json`) is taken off first.

Int8 is our own, of standard operators: each output of a layer has its own scale for the
weights, each word its own for what comes in. So a sentence is encoded alike alone and in any
company (one scale for a whole batch, as onnxruntime's own quantizer has it, moves it by up to
.04), and weights of seven bits cannot overflow 16-bit sums, so every processor counts alike.
This file's text is part of the made files' names: a change here makes them anew.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from faqs.encoder.weights import Tensor

LAYERS, HEADS, SIZE = 6, 12, 384
_SAID = 5  # the layer that still shows how it is said
_HEAD = SIZE // HEADS
_EPSILON = 1e-12
_WEIGHT_STEPS = 63
_INPUT_STEPS = 127
_MIDDLE = 128  # zero, among bytes
_OPSET, _IR = 20, 9
_MASKED = -1e9


def build(
    weights: Mapping[str, Tensor], *, is_int8: bool, usual: Tensor | None = None
) -> onnx.ModelProto:
    """Return the model: `ids` and `mask` (sentences x tokens) in, `vectors` out.

    A vector holds what is meant and how it is said, less `usual`; each has length 1.
    """
    nothing = np.zeros(SIZE, dtype=np.float32)
    return _Graph(weights, is_int8=is_int8).model(nothing if usual is None else usual)


class _Graph:
    def __init__(self, weights: Mapping[str, Tensor], *, is_int8: bool) -> None:
        self._weights = weights
        self._is_int8 = is_int8
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def model(self, usual: Tensor) -> onnx.ModelProto:
        mask = self._add("Cast", "mask", to=TensorProto.FLOAT)
        # What stands in for missing words draws no attention.
        missing = self._add("Sub", self._number(1), mask)
        masked = self._add("Mul", missing, self._number(_MASKED))
        bias = self._add("Unsqueeze", masked, self._integers(1, 2))
        state = said = self._words()
        for number in range(LAYERS):
            state = self._layer(f"encoder.layer.{number}", state, bias)
            said = state if number + 1 == _SAID else said
        unusual = self._add("Sub", self._direction(said, mask), self._constant("usual", usual))
        both = [self._direction(state, mask), self._add("LpNormalization", unusual, axis=-1, p=2)]
        self._add("Concat", *both, outputs=["vectors"], axis=-1)
        shape = ["sentences", "tokens"]
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("ids", "mask")],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["sentences", 2 * SIZE])],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR)

    def _direction(self, state: str, mask: str) -> str:
        """Return where the mean of the words points; their sum points there as well."""
        there = self._add("Mul", state, self._add("Unsqueeze", mask, self._integers(2)))
        total = self._add("ReduceSum", there, self._integers(1), keepdims=0)
        return self._add("LpNormalization", total, axis=-1, p=2)

    def _words(self) -> str:
        words = self._weights["embeddings.word_embeddings.weight"]
        if self._is_int8:
            steps = _steps(words, axis=1, count=_INPUT_STEPS)
            table = self._constant("words", np.round(words / steps).astype(np.int8))
            rows = self._add("Cast", self._add("Gather", table, "ids"), to=TensorProto.FLOAT)
            own = self._add("Gather", self._constant("words.steps", steps), "ids")
            found = self._add("Mul", rows, own)
        else:
            found = self._add("Gather", self._constant("words", words), "ids")
        # There is one kind of sentence here, so its mark is part of the place's.
        places = self._weights["embeddings.position_embeddings.weight"]
        places = places + self._weights["embeddings.token_type_embeddings.weight"][0]
        length = self._add("Slice", self._add("Shape", "ids"), self._integers(1), self._integers(2))
        start, axis = self._integers(0), self._integers(0)
        used = self._add("Slice", self._constant("places", places), start, length, axis)
        return self._normal("embeddings.LayerNorm", self._add("Add", found, used))

    def _layer(self, name: str, state: str, bias: str) -> str:
        attended = self._dense(f"{name}.attention.output.dense", self._attend(name, state, bias))
        state = self._normal(
            f"{name}.attention.output.LayerNorm", self._add("Add", attended, state)
        )
        inner = self._add("Gelu", self._dense(f"{name}.intermediate.dense", state))
        outer = self._dense(f"{name}.output.dense", inner)
        return self._normal(f"{name}.output.LayerNorm", self._add("Add", outer, state))

    def _attend(self, name: str, state: str, bias: str) -> str:
        own = f"{name}.attention.self"
        parts = [f"{own}.{part}" for part in ("query", "key", "value")]
        # The three in one multiplication; the usual division is done in the query's weights.
        by = [np.float32(1 / np.sqrt(_HEAD)), np.float32(1), np.float32(1)]
        weight = np.concatenate(
            [self._weights[f"{p}.weight"].T * n for p, n in zip(parts, by, strict=True)], axis=1
        )
        offset = np.concatenate(
            [self._weights[f"{p}.bias"] * n for p, n in zip(parts, by, strict=True)]
        )
        three = self._linear(own, state, weight, offset)
        thirds = [f"{own}.{letter}" for letter in "qkv"]
        self._add("Split", three, outputs=thirds, axis=2, num_outputs=3)
        shape = self._integers(0, 0, HEADS, _HEAD)
        query, key, value = (
            self._add("Transpose", self._add("Reshape", third, shape), perm=perm)
            for third, perm in zip(thirds, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)
        )
        weighed = self._add("Add", self._add("MatMul", query, key), bias)
        mixed = self._add("MatMul", self._add("Softmax", weighed, axis=-1), value)
        joined = self._add("Transpose", mixed, perm=[0, 2, 1, 3])
        return self._add("Reshape", joined, self._integers(0, 0, SIZE))

    def _dense(self, name: str, state: str) -> str:
        weight, offset = self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"]
        return self._linear(name, state, weight, offset)

    def _linear(self, name: str, state: str, weight: Tensor, offset: Tensor) -> str:
        offsets = self._constant(f"{name}.bias", offset)
        if not self._is_int8:
            product = self._add("MatMul", state, self._constant(f"{name}.weight", weight))
            return self._add("Add", product, offsets)
        columns = _steps(weight, axis=0, count=_WEIGHT_STEPS)
        rounded = np.round(weight / columns).astype(np.int8)
        highest = self._add("ReduceMax", self._add("Abs", state), self._integers(-1), keepdims=1)
        # Never zero: what is all zero would become "not a number".
        rows = self._add("Max", highest, self._number(1e-9))
        whole = self._add("Mul", state, self._add("Div", self._number(_INPUT_STEPS), rows))
        # All is above zero then, so that cutting off what is behind the point rounds.
        above = self._add("Add", whole, self._number(_MIDDLE + 0.5))
        bytes_in = self._add("Cast", above, to=TensorProto.UINT8)
        product = self._add(
            "MatMulInteger",
            bytes_in,
            self._constant(f"{name}.weight", rounded),
            self._constant("middle", np.array(_MIDDLE, dtype=np.uint8)),
        )
        scaled = self._add("Mul", self._add("Cast", product, to=TensorProto.FLOAT), rows)
        steps = self._constant(f"{name}.steps", columns / np.float32(_INPUT_STEPS))
        scaled = self._add("Mul", scaled, steps)
        return self._add("Add", scaled, offsets)

    def _normal(self, name: str, state: str) -> str:
        by = self._constant(f"{name}.weight", self._weights[f"{name}.weight"])
        offset = self._constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self._add("LayerNormalization", state, by, offset, axis=-1, epsilon=_EPSILON)

    def _add(
        self, operator: str, *inputs: str, outputs: list[str] | None = None, **how: Any
    ) -> str:
        outputs = outputs or [f"{operator}.{len(self._nodes)}"]
        self._nodes.append(helper.make_node(operator, list(inputs), outputs, **how))
        return outputs[0]

    def _number(self, value: float) -> str:
        return self._constant(f"number.{value}", np.array(value, dtype=np.float32))

    def _integers(self, *values: int) -> str:
        return self._constant(f"integers.{values}", np.array(values, dtype=np.int64))

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name


def _steps(weights: Tensor, *, axis: int, count: int) -> Tensor:
    """Return how much one step is in each row or column, so that the greatest takes `count`."""
    highest = np.abs(weights).max(axis=axis, keepdims=True)
    steps: Tensor = np.where(highest > 0, highest / count, 1).astype(np.float32)
    return steps
