"""What Keras calls its own: the names that a config may use, by what they are for.

Those of Keras 3.15.1; a test compares them with the installed Keras.
"""

# ruff: noqa: SIM905

from __future__ import annotations

LAYERS = frozenset(
    """
Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average AveragePooling1D
AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization
Bidirectional CategoryEncoding CenterCrop Concatenate
ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D Conv2DTranspose
Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose
Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D
Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU
EinsumDense Embedding Equalization Flatten FlaxLayer GRU GRUCell GaussianDropout GaussianNoise
GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D
GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention
GroupedQueryAttention HashedCrossing Hashing Identity IndexLookup InputLayer IntegerLookup
JaxLayer LSTM LSTMCell Lambda Layer LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes
MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram
Minimum MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization
RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast
RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale
RandomHeight RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation
RandomSaturation RandomSharpness RandomShear RandomTranslation RandomWidth RandomZoom ReLU
RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram SeparableConv1D
SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax
Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
StackedRNNCells StringLookup Subtract TFSMLayer TextVectorization ThresholdedReLU
TimeDistributed TorchModuleWrapper UnitNormalization UpSampling1D UpSampling2D UpSampling3D
Wrapper ZeroPadding1D ZeroPadding2D ZeroPadding3D
""".split()
)
LEGACY_LAYERS = frozenset(
    """
RandomHeight RandomWidth ThresholdedReLU
""".split()
)
MODELS = frozenset(
    """
Distiller Functional Model Sequential
""".split()
)
ACTIVATIONS = frozenset(
    """
celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax
softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink
threshold
""".split()
)
INITIALIZERS = frozenset(
    """
Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer Initializer
LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT
STFTInitializer TruncatedNormal VarianceScaling Zeros constant glorot_normal glorot_uniform
he_normal he_uniform identity initializer lecun_normal lecun_uniform normal one ones orthogonal
random_normal random_uniform stft truncated_normal uniform variance_scaling zero zeros
""".split()
)
REGULARIZERS = frozenset(
    """
L1 L1L2 L2 OrthogonalRegularizer Regularizer l1 l1_l2 l1l2 l2 orthogonal_regularizer
regularizer
""".split()
)
CONSTRAINTS = frozenset(
    """
Constraint MaxNorm MinMaxNorm NonNeg UnitNorm constraint max_norm min_max_norm non_neg
unit_norm
""".split()
)
LOSSES = frozenset(
    """
BCE BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy
CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy CategoricalHinge Circle
CosineSimilarity Dice Hinge Huber KLD KLDivergence LogCosh Loss LossFunctionWrapper MAE MAPE
MSE MSLE MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge Tversky bce
binary_crossentropy binary_focal_crossentropy categorical_crossentropy
categorical_focal_crossentropy categorical_hinge circle cosine_similarity ctc dice hinge huber
kl_divergence kld log_cosh mae mape mean_absolute_error mean_absolute_percentage_error
mean_squared_error mean_squared_logarithmic_error mse msle poisson
sparse_categorical_crossentropy squared_hinge tversky
""".split()
)
METRICS = frozenset(
    """
AUC Accuracy BCE BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy
CategoricalCrossentropy CategoricalHinge ConcordanceCorrelation CosineSimilarity F1Score
FBetaScore FalseNegatives FalsePositives Hinge IoU KLDivergence LogCoshError MAE MAPE MSE MSLE
Mean MeanAbsoluteError MeanAbsolutePercentageError MeanIoU MeanMetricWrapper MeanSquaredError
MeanSquaredLogarithmicError Metric OneHotIoU OneHotMeanIoU PearsonCorrelation Poisson Precision
PrecisionAtRecall R2Score Recall RecallAtPrecision RootMeanSquaredError
SensitivityAtSpecificity SparseCategoricalAccuracy SparseCategoricalCrossentropy
SparseTopKCategoricalAccuracy SpecificityAtSensitivity SquaredHinge Sum TopKCategoricalAccuracy
TrueNegatives TruePositives accuracy auc bce binary_accuracy binary_crossentropy binary_io_u
categorical_accuracy categorical_crossentropy categorical_hinge concordance_correlation
cosine_similarity f1_score f_beta_score false_negatives false_positives hinge io_u
kl_divergence log_cosh_error mae mape mean mean_absolute_error mean_absolute_percentage_error
mean_io_u mean_metric_wrapper mean_squared_error mean_squared_logarithmic_error metric mse msle
one_hot_io_u one_hot_mean_io_u pearson_correlation poisson precision precision_at_recall
r2_score recall recall_at_precision root_mean_squared_error sensitivity_at_specificity
sparse_categorical_accuracy sparse_categorical_crossentropy sparse_top_k_categorical_accuracy
specificity_at_sensitivity squared_hinge sum top_k_categorical_accuracy true_negatives
true_positives
""".split()
)
OPTIMIZERS = frozenset(
    """
Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer MultiOptimizer
Muon Nadam Optimizer RMSprop SGD ScheduleFreeAdamW adadelta adafactor adagrad adam adamax adamw
ftrl lamb lion lossscaleoptimizer multioptimizer muon nadam optimizer rmsprop schedulefreeadamw
sgd
""".split()
)
SCHEDULES = frozenset(
    """
CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay LearningRateSchedule
PiecewiseConstantDecay PolynomialDecay
""".split()
)
POLICIES = frozenset(
    """
AWQDTypePolicy DTypePolicy DTypePolicyMap FloatDTypePolicy GPTQDTypePolicy Int4DTypePolicy
Policy QuantizedDTypePolicy QuantizedFloat8DTypePolicy
""".split()
)
QUANTIZERS = frozenset(
    """
AWQConfig AbsMaxQuantizer Float8QuantizationConfig GPTQConfig Int4QuantizationConfig
Int8QuantizationConfig QuantizationConfig Quantizer
""".split()
)
DISTILLATION = frozenset(
    """
DistillationLoss FeatureDistillation LogitsDistillation
""".split()
)
BUILTINS = frozenset(
    """
AUC Accuracy Adadelta Adafactor Adagrad Adam AdamW Adamax BinaryAccuracy BinaryCrossentropy
BinaryFocalCrossentropy BinaryIoU CTC CategoricalAccuracy CategoricalCrossentropy
CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy CategoricalHinge Circle
ConcordanceCorrelation Constant Constraint CosineSimilarity Dice F1Score FBetaScore
FalseNegatives FalsePositives Ftrl GlorotNormal GlorotUniform HeNormal HeUniform Hinge Huber
Identity IdentityInitializer Initializer IoU KLDivergence L1 L1L2 L2 Lamb LecunNormal
LecunUniform Lion LogCosh LogCoshError Loss LossScaleOptimizer MaxNorm Mean MeanAbsoluteError
MeanAbsolutePercentageError MeanIoU MeanMetricWrapper MeanSquaredError
MeanSquaredLogarithmicError Metric MinMaxNorm MultiOptimizer Muon Nadam NonNeg OneHotIoU
OneHotMeanIoU Ones Optimizer OptimizerMap Orthogonal OrthogonalInitializer
OrthogonalRegularizer PearsonCorrelation Poisson Precision PrecisionAtRecall R2Score RMSprop
RandomNormal RandomUniform Recall RecallAtPrecision Regularizer RootMeanSquaredError SGD STFT
STFTInitializer ScheduleFreeAdamW SensitivityAtSpecificity SparseCategoricalAccuracy
SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SpecificityAtSensitivity
SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives TruePositives TruncatedNormal Tversky
UnitNorm VarianceScaling Zeros binary_accuracy binary_crossentropy binary_focal_crossentropy
categorical_accuracy categorical_crossentropy categorical_focal_crossentropy
categorical_generalized_cross_entropy categorical_hinge celu circle concordance_correlation
constant cosine_similarity ctc deserialize dice elu exponential gelu get glorot_normal
glorot_uniform glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh he_normal he_uniform
hinge huber identity kl_divergence l1 l1_l2 l2 leaky_relu lecun_normal lecun_uniform legacy
linear log_cosh log_sigmoid log_softmax max_norm mean_absolute_error
mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error min_max_norm
mish non_neg ones orthogonal orthogonal_regularizer pearson_correlation poisson random_normal
random_uniform relu relu6 schedules selu serialize sigmoid silu soft_shrink softmax softplus
softsign sparse_categorical_accuracy sparse_categorical_crossentropy sparse_plus sparse_sigmoid
sparse_top_k_categorical_accuracy sparsemax squared_hinge squareplus stft swish tanh
tanh_shrink threshold top_k_categorical_accuracy truncated_normal tversky unit_norm
variance_scaling zeros
""".split()
)
NAMESPACE = frozenset(
    """
Input InputSpec activations add attention average concatenate convolutional core deserialize
dot input_spec keras_export layer maximum merging minimum multiply normalization pooling
preprocessing regularization reshaping rnn serialization_lib serialize subtract
""".split()
)
OPERATIONS = {
    "keras.src.activations.activations": frozenset(
        """
Mish ReLU
""".split()
    ),
    "keras.src.applications.convnext": frozenset(
        """
LayerScale StochasticDepth
""".split()
    ),
    "keras.src.applications.inception_resnet_v2": frozenset(
        """
CustomScaleLayer
""".split()
    ),
    "keras.src.ops.core": frozenset(
        """
Cast ConvertToTensor SaturateCast Scatter ScatterUpdate Slice SliceUpdate StopGradient Unstack
""".split()
    ),
    "keras.src.ops.einops": frozenset(
        """
Rearrange
""".split()
    ),
    "keras.src.ops.image": frozenset(
        """
AffineTransform CropImages ElasticTransform ExtractPatches GaussianBlur HSVToRGB MapCoordinates
PadImages PerspectiveTransform RGBToGrayscale RGBToHSV Resize SSIM ScaleAndTranslate SobelEdges
""".split()
    ),
    "keras.src.ops.linalg": frozenset(
        """
Cholesky CholeskyInverse Det Eig Eigh Inv Lstsq LuFactor MatrixRank Norm Pinv Qr SVD Solve
SolveTriangular
""".split()
    ),
    "keras.src.ops.math": frozenset(
        """
CDist Erf Erfc Erfinv ExtractSequences FFT FFT2 IFFT2 IRFFT ISTFT InTopK Logdet Logsumexp RFFT
Rsqrt STFT SegmentMax SegmentMin SegmentProd SegmentReduction SegmentSum TopK ViewAsComplex
ViewAsReal
""".split()
    ),
    "keras.src.ops.nn": frozenset(
        """
AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm BinaryCrossentropy CTCDecode CTCLoss
CategoricalCrossentropy Celu Conv ConvTranspose DepthToSpace DepthwiseConv DotProductAttention
Elu Fold Gelu Glu HardShrink HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu LogSigmoid
LogSoftmax MaxPool Moments MultiHot Normalize OneHot PSNR Polar RMSNorm Relu Relu6 Selu
SeparableConv Sigmoid Silu SoftShrink Softmax Softplus Softsign SpaceToDepth
SparseCategoricalCrossentropy SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink
Threshold Unfold
""".split()
    ),
    "keras.src.ops.numpy": frozenset(
        """
Abs Absolute Add All AllClose Amax Amin Angle Any Append Arange Arccos Arccosh Arcsin Arcsinh
Arctan Arctan2 Arctanh Argmax Argmin Argpartition Argsort Array ArraySplit Average Bincount
BitwiseAnd BitwiseInvert BitwiseLeftShift BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor
BroadcastTo Cbrt Ceil Clip Concatenate Conj Conjugate Copy Corrcoef Correlate Cos Cosh
CountNonzero Cross Cumprod Cumsum Deg2rad Diag Diagflat Diagonal Diff Digitize Divide
DivideNoNan Dot Dsplit Dstack Einsum EmptyLike Equal Exp Exp2 ExpandDims Expm1 Fabs Flip Fliplr
Flipud Floor FloorDivide Fmax Fmin Fmod Full FullLike Gcd Geomspace GetItem Greater
GreaterEqual Heaviside Histogram Hsplit Hstack Hypot I0 Imag Inner IsIn Isclose Isfinite Isinf
Isnan Isneginf Isposinf Isreal Kron Lcm Ldexp LeftShift Less LessEqual Linspace Log Log10 Log1p
Log2 Logaddexp Logaddexp2 LogicalAnd LogicalNot LogicalOr LogicalXor Logspace Matmul Max
Maximum Mean Median Meshgrid Min Minimum Mod Moveaxis Multiply NanToNum Nanargmax Nanargmin
Nancumprod Nancumsum Nanmax Nanmean Nanmedian Nanmin Nanpercentile Nanprod Nanquantile Nanstd
Nansum Nanvar Ndim Negative Nextafter Nonzero NotEqual OnesLike Outer Pad Percentile Power Prod
Ptp Quantile Rad2deg Ravel Real Reciprocal Repeat Reshape RightShift Roll Rot90 Round
SearchSorted Select Sign Signbit Sin Sinc Sinh Size Slogdet Sort Split Sqrt Square Squeeze
Stack Std Subtract Sum Swapaxes Take TakeAlongAxis Tan Tanh Tensordot Tile Trace Transpose
Trapezoid Tril Triu TrueDivide Trunc Unique UnravelIndex Vander Var Vdot View Vsplit Vstack
Where ZerosLike
""".split()
    ),
    "keras.src.quantizers.quantizers": frozenset(
        """
FakeQuantWithMinMaxVars
""".split()
    ),
}
