"""What a TensorFlow operation may do, by its name.

An operation is allowed because it is on the list of those that only compute, read and write the
model's own variables and tables, and call other functions (`tensorflow_names.ALLOWED`, and `TEXT`
for those of the package TensorFlow Text). The three kinds below are looked at more closely.
Everything else is refused, whether TensorFlow knows it or not.
"""

from __future__ import annotations

from tfxai.inspection.names.tensorflow_names import ALLOWED, REFUSED, TEXT

CHECKPOINT = {"SaveV2", "RestoreV2", "MergeV2Checkpoints"}
"""The saver's: let through where nothing else runs them."""
FILE_TABLES = {"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"}
"""Let through where the file is one of the model's assets."""
PRINTS = {"Print", "PrintV2"}
"""Warned of, and refused where they print to a file."""

AT_LOAD = frozenset(
    """
Assert Assign AssignVariableOp Cast Const DestroyResourceOp DisableCopyOnRead HashTable HashTableV2
Identity IdentityN InitializeTable InitializeTableV2 IsVariableInitialized LookupTableImport
LookupTableImportV2 LookupTableInsert LookupTableInsertV2 LookupTableSize LookupTableSizeV2
MutableDenseHashTable MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors
MutableHashTableOfTensorsV2 MutableHashTableV2 NoOp PartitionedCall Placeholder
PlaceholderWithDefault ReadVariableOp StatefulPartitionedCall VarHandleOp VarIsInitializedOp
Variable VariableV2
""".split()  # noqa: SIM905
)
"""Of those allowed, what may run merely because the model is loaded: none loops or makes more than
it is given."""

# Why an operation is refused, where that is worth saying: reasons, not a list of what is refused.
_REASONS = {
    "runs Python": "PyFunc PyFuncStateless EagerPyFunc",
    "reads files": "ReadFile MatchingFiles WholeFileReader WholeFileReaderV2 TextLineReader "
    "TextLineReaderV2 TFRecordReader TFRecordReaderV2 FixedLengthRecordReader LMDBReader "
    "FixedLengthRecordReaderV2 TextLineDataset TFRecordDataset TFRecordDatasetV2 SqlDataset "
    "FixedLengthRecordDataset FixedLengthRecordDatasetV2 LMDBDataset LoadDataset CSVDataset "
    "CSVDatasetV2 ExperimentalCSVDataset ExperimentalSqlDataset MatchingFilesDataset "
    "ExperimentalMatchingFilesDataset ExperimentalLMDBDataset ImmutableConst Restore RestoreSlice "
    "LoadAndRemapMatrix GenerateVocabRemapping FixedUnigramCandidateSampler Skipgram RecordInput "
    "DecodeProtoV2 EncodeProto DTensorRestoreV2 SnapshotDatasetReader "
    "InitializeTableFromTextFile InitializeTableFromTextFileV2",
    "writes files": "WriteFile Save SaveSlices SaveDataset SaveDatasetV2 SnapshotDataset "
    "SnapshotDatasetV2 CreateSummaryFileWriter CreateSummaryDbWriter WriteRawProtoSummary "
    "WriteGraphSummary WriteImageSummary WriteScalarSummary WriteSummary DatasetToTFRecord "
    "ExperimentalDatasetToTFRecord CacheDataset CacheDatasetV2 DumpTensor DistributedSave "
    "DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummary "
    "DebugNumericSummaryV2 Copy CopyHost CalibrationStatisticsSaver",
    "calls other machines": "RemoteCall RpcCall RpcClient RpcServer RpcServerStart TryRpc "
    "DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 "
    "RegisterDataset RegisterDatasetV2 BigQueryReader GenerateBigQueryReaderPartitions Send Recv",
    "runs code outside TensorFlow": "XlaCustomCall XlaCustomCallV2 XlaCallModule TRTEngineOp "
    "MlirPassthroughOp",
    "holds a graph of its own": "DatasetFromGraph",
    "ends the process": "Abort",
    "reads or writes files": " ".join(sorted(CHECKPOINT)),
}
_REASON_OF = {op: reason for reason, ops in _REASONS.items() for op in ops.split()}


def is_primitive(op: str) -> bool:
    """Whether it is the name of an operation of TensorFlow, which no function may take."""
    return op in ALLOWED or op in REFUSED or op in TEXT or op in _REASON_OF


def outward(op: str) -> str | None:
    """What an operation does beyond computing, to stand after "which"; None where it does not."""
    if op in ALLOWED or op in TEXT:
        return None
    if op in _REASON_OF:
        return _REASON_OF[op]
    if op in PRINTS:
        return "prints"
    known = "is not on the list of those that only compute"
    return known if op in REFUSED else "is not one of TensorFlow's own"
