"""TensorFlow's operations, each judged, and the messages that a SavedModel is made of.

`python -m tests.inspection.tensorflow_api` writes `tfxai/inspection/names/tensorflow_names.py`
from the registry and the protocol buffers of the installed TensorFlow. Read the names that it
moves before you commit them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import fingerprint_pb2, saved_model_pb2, tensor_bundle_pb2
from tensorflow.python.client import pywrap_tf_session

HOME = Path(__file__).parents[2] / "tfxai" / "inspection" / "tensorflow_names.py"

# The rule: a public operation without state computes and does nothing else, unless one of its
# arguments or attributes may name something outside, or hold a program.
OUTSIDE = re.compile(
    r"(file|filename|filenames|path|dir|address|urls?|prefix|memory_region|descriptor_source"
    r"|debug_ops_spec|target_name|module|token|graph_def|program|protocol)($|_)"
)
# Families of operations without state that the rule leaves out: their kind is the reason.
FAMILIES = re.compile(
    r"Dataset|Iterator|ElementAtIndex|GetOptions|WindowOp|ComputeBatchSize"  # functions, files
    r"|Debug|Summary|MatchingFiles|Aggregator"  # write files or statistics
    r"|Queue|Reader|Barrier|Accumulator|^Batch$|^BatchFunction$|^Unbatch"  # wait for others
    r"|TPU|Tpu|DTensor|Mesh|Relayout|Infeed|Prelinearize|Dedup|SparseCore|SparseDenseMatmul"
    r"|MinibatchSplits|CooTensor|SparseActivations|SparseGradientsStack"  # other devices
    r"|CustomCall|Launch|Mlir|PyFunc|^Abort$|^TemporaryVariable|^DestroyTemporaryVariable"
)
# Operations that have been read and found to touch nothing but the model's own variables, tables,
# loops and random numbers, though they have state or no public name. Iterators are those that are
# passed to a function (`adapt` of Keras 2): no operation that makes one is allowed.
REVIEWED = """
VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp
VarIsInitializedOp VariableShape DestroyResourceOp DisableCopyOnRead ResourceGather
ResourceGatherNd ResourceScatterAdd ResourceScatterDiv ResourceScatterMax ResourceScatterMin
ResourceScatterMul ResourceScatterSub ResourceScatterUpdate ResourceScatterNdAdd
ResourceScatterNdMax ResourceScatterNdMin ResourceScatterNdSub ResourceScatterNdUpdate
ResourceStridedSliceAssign ResourceCountUpTo Variable VariableV2
ResourceApplyAdaMax ResourceApplyAdadelta ResourceApplyAdagrad ResourceApplyAdagradDA
ResourceApplyAdagradV2 ResourceApplyAdam ResourceApplyAdamWithAmsgrad ResourceApplyAddSign
ResourceApplyCenteredRMSProp ResourceApplyFtrl ResourceApplyFtrlV2 ResourceApplyGradientDescent
ResourceApplyKerasMomentum ResourceApplyMomentum ResourceApplyPowerSign
ResourceApplyProximalAdagrad ResourceApplyProximalGradientDescent ResourceApplyRMSProp
ResourceSparseApplyAdadelta ResourceSparseApplyAdagrad ResourceSparseApplyAdagradDA
ResourceSparseApplyAdagradV2 ResourceSparseApplyCenteredRMSProp ResourceSparseApplyFtrl
ResourceSparseApplyFtrlV2 ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum
ResourceSparseApplyProximalAdagrad ResourceSparseApplyProximalGradientDescent
ResourceSparseApplyRMSProp
HashTable HashTableV2 MutableHashTable MutableHashTableV2 MutableHashTableOfTensors
MutableHashTableOfTensorsV2 MutableDenseHashTable MutableDenseHashTableV2 AnonymousHashTable
AnonymousMutableHashTable AnonymousMutableHashTableOfTensors AnonymousMutableDenseHashTable
InitializeTableV2 LookupTableFindV2 LookupTableInsertV2 LookupTableImportV2 LookupTableExportV2
LookupTableRemoveV2 LookupTableSizeV2
If Case While StatefulPartitionedCall Assert CheckNumerics CheckNumericsV2 GuaranteeConst
IteratorGetNext IteratorGetNextAsOptional DeviceIndex Timestamp
StackV2 StackPushV2 StackPopV2 StackCloseV2
TensorArray TensorArrayV2 TensorArrayV3 TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3
TensorArrayGrad TensorArrayGradV2 TensorArrayGradV3 TensorArrayGradWithShape TensorArrayReadV3
TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayWriteV3
CudnnRNN CudnnRNNV2 CudnnRNNV3 CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3
RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal ParameterizedTruncatedNormal
RandomGamma RandomPoisson RandomPoissonV2 RandomShuffle RandomCrop Multinomial
StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2 StatefulTruncatedNormal
StatefulUniform StatefulUniformFullInt StatefulUniformInt StatelessRandomGetAlg
NonDeterministicInts RngSkip RngReadAndSkip SampleDistortedBoundingBox SampleDistortedBoundingBoxV2
UniformCandidateSampler LogUniformCandidateSampler LearnedUnigramCandidateSampler
AllCandidateSampler ThreadUnsafeUnigramCandidateSampler
XlaBroadcastHelper XlaConv XlaConvV2 XlaDot XlaDotV2 XlaDynamicSlice XlaDynamicUpdateSlice
XlaEinsum XlaGather XlaIf XlaKeyValueSort XlaOptimizationBarrier XlaPad XlaReduce
XlaReducePrecision XlaReduceWindow XlaRngBitGenerator XlaScatter XlaSelectAndScatter
XlaSelfAdjointEig XlaSharding XlaSort XlaSvd XlaVariadicReduce XlaVariadicReduceV2
XlaVariadicSort XlaWhile
""".split()  # noqa: SIM905

# Those of the package TensorFlow Text, which KerasHub's tokenizers run; they compute on strings.
TEXT = """
CaseFoldUTF8 ConstrainedSequence FastBertNormalize FastWordpieceTokenizeWithOffsets
FindSourceOffsets MaxSpanningTree NormalizeUTF8 NormalizeUTF8WithOffsetsMap PhraseTokenize
RegexSplitWithOffsets RougeL SentenceFragments SentenceFragmentsV2 SentencepieceDetokenizeOp
SentencepieceIdToStringOp SentencepieceOp SentencepieceStringToIdOp SentencepieceTokenizeOp
SentencepieceTokenizeWithOffsetsOp SentencepieceVocabSizeOp SplitMergeTokenizeWithOffsets
TFText>BoiseTagsToOffsets TFText>ByteSplitByOffsets TFText>ByteSplitWithOffsets
TFText>FastSentencepieceDetokenize TFText>FastSentencepieceTokenize TFText>FastWordpieceDetokenize
TFText>NgramsStringJoin TFText>OffsetsToBoiseTags TFText>PhraseDetokenize
TFText>RoundRobinGenerateMasks TFText>RoundRobinTrim TFText>Utf8Binarize
TFText>WhitespaceTokenizeWithOffsetsV2 TokenizerFromLogits UnicodeScriptTokenizeWithOffsets
WhitespaceTokenizeWithOffsets WordpieceTokenizeWithOffsets
""".split()  # noqa: SIM905


def registered() -> list[Any]:
    """Every operation that the installed TensorFlow knows."""
    every = op_def_pb2.OpList()
    every.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    return list(every.op)


def only_computes(op: Any) -> bool:
    """Whether the rule lets an operation through."""
    names = [one.name for one in (*op.input_arg, *op.attr)]
    return (
        not op.is_stateful
        and hasattr(tf.raw_ops, op.name)
        and FAMILIES.search(op.name) is None
        and not any(OUTSIDE.search(name) for name in names)
    )


def judged() -> dict[str, set[str]]:
    """Name of each table to the operations that belong in it."""
    every = {op.name for op in registered()}
    allowed = {op.name for op in registered() if only_computes(op)} | set(REVIEWED)
    return {"ALLOWED": allowed & every, "REFUSED": every - allowed}


# Messages.

SCALARS = {
    "int32": "i32", "int64": "i64", "uint32": "u32", "uint64": "u64", "bool": "bool",
    "enum": "i32", "fixed32": "f4", "fixed64": "f8", "sfixed32": "f4", "sfixed64": "f8",
    "sint32": "u32", "sint64": "u64", "float": "f4", "double": "f8",
    "string": "text", "bytes": "bytes",
}  # fmt: skip


def _kind(field: Any) -> str:
    names = {number: name[5:].lower() for name, number in _types(field).items()}
    kind = names[field.type]
    return _short(field.message_type) if kind == "message" else SCALARS[kind]


def _types(field: Any) -> dict[str, int]:
    return {n: getattr(field, n) for n in dir(field) if re.fullmatch(r"TYPE_[A-Z0-9]+", n)}


def _short(message: Any) -> str:
    return str(message.full_name.removeprefix("tensorflow.").removeprefix("google.protobuf."))


def _fields(message: Any) -> Iterator[str]:
    for field in sorted(message.fields, key=lambda one: one.number):
        oneof = field.containing_oneof
        choice = f"|{oneof.name}" if oneof is not None else ""
        yield f"{field.number}{'*' if field.is_repeated else ':'}{_kind(field)}{choice}"


def messages() -> dict[str, str]:
    """Name of each message to its fields: number, ":" or "*" (repeated), kind, choice."""
    bundle = tensor_bundle_pb2
    todo = [saved_model_pb2.SavedModel.DESCRIPTOR, fingerprint_pb2.FingerprintDef.DESCRIPTOR]
    todo += [bundle.BundleHeaderProto.DESCRIPTOR, bundle.BundleEntryProto.DESCRIPTOR]
    found: dict[str, str] = {}
    while todo:
        one = todo.pop()
        if _short(one) in found:
            continue
        found[_short(one)] = " ".join(_fields(one))
        todo += [field.message_type for field in one.fields if field.message_type is not None]
    return dict(sorted(found.items()))


def written() -> str:
    """The tables as a module."""
    lines = [
        '"""What TensorFlow calls its own: its operations, each judged, and its messages.',
        "",
        f"Those of TensorFlow {tf.__version__}, written by tests/inspection/tensorflow_api.py,",
        "which has the rule; a test compares them with the installed TensorFlow.",
        '"""',
        "",
        "# ruff: noqa: SIM905",
        "",
        "from __future__ import annotations",
        "",
        f'VERSION = "{tf.__version__}"',
        "",
    ]
    for table, names in {**judged(), "TEXT": set(TEXT)}.items():
        lines += [f"{table} = frozenset(", '    """']
        lines += textwrap.wrap(" ".join(sorted(names)), 95, break_on_hyphens=False)
        lines += ['""".split()', ")"]
    lines += [
        "# A message a line: its name, then number, one (:) or many (*), kind, choice (|).",
        "",
        'MESSAGES = """',
    ]
    for name, fields in messages().items():
        lines += textwrap.wrap(f"{name} {fields}", 95, subsequent_indent="  ")
    return "\n".join([*lines, '"""']) + "\n"


if __name__ == "__main__":
    HOME.write_text(written())
