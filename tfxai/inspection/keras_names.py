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
MODELS = frozenset(
    """
Distiller Functional Model Sequential
""".split()
)
OPERATIONS = frozenset(
    """
Abs Absolute AdaptiveAveragePool AdaptiveMaxPool AffineTransform All AllClose Amax Amin Angle
Any Append Arange Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh Argmax Argmin
Argpartition Argsort Array ArraySplit AssociativeScan AveragePool BatchNorm BinaryCrossentropy
Bincount BitwiseAnd BitwiseInvert BitwiseLeftShift BitwiseNot BitwiseOr BitwiseRightShift
BitwiseXor BroadcastTo CDist CTCDecode CTCLoss Cast CategoricalCrossentropy Cbrt Ceil Celu
Cholesky CholeskyInverse Clip Cond Conj Conjugate Conv ConvTranspose ConvertToTensor Copy
Corrcoef Correlate Cos Cosh CountNonzero CropImages Cross Cumprod Cumsum CustomScaleLayer
Deg2rad DepthToSpace DepthwiseConv Det Diag Diagflat Diagonal Diff Digitize Divide DivideNoNan
DotProductAttention Dsplit Dstack Eig Eigh Einsum ElasticTransform Elu EmptyLike Equal Erf Erfc
Erfinv Exp Exp2 ExpandDims Expm1 ExtractPatches ExtractSequences FFT FFT2 Fabs
FakeQuantWithMinMaxVars Flip Fliplr Flipud Floor FloorDivide Fmax Fmin Fmod Fold ForiLoop Full
FullLike Function GaussianBlur Gcd Gelu Geomspace GetItem Glu Greater GreaterEqual HSVToRGB
HardShrink HardSigmoid HardSilu HardTanh Heaviside Histogram Hsplit Hstack Hypot I0 IFFT2 IRFFT
ISTFT Imag InTopK Inner Inv IsIn Isclose Isfinite Isinf Isnan Isneginf Isposinf Isreal JVP Kron
LayerNorm LayerScale Lcm Ldexp LeakyRelu LeftShift Less LessEqual Linspace Log Log10 Log1p Log2
LogSigmoid LogSoftmax Logaddexp Logaddexp2 Logdet LogicalAnd LogicalNot LogicalOr LogicalXor
Logspace Logsumexp Lstsq LuFactor Map MapCoordinates Matmul MatrixRank Max MaxPool Mean Median
Meshgrid Min Mish Mod Moments Moveaxis MultiHot NanToNum Nanargmax Nanargmin Nancumprod
Nancumsum Nanmax Nanmean Nanmedian Nanmin Nanpercentile Nanprod Nanquantile Nanstd Nansum
Nanvar Ndim Negative Nextafter Nonzero Norm Normalize NotEqual OneHot OnesLike Outer PSNR Pad
PadImages Percentile PerspectiveTransform Pinv Polar Power Prod Ptp Qr Quantile RFFT
RGBToGrayscale RGBToHSV RMSNorm Rad2deg Ravel Real Rearrange Reciprocal Relu Relu6 Repeat
Resize RightShift Roll Rot90 Round Rsqrt SSIM STFT SVD SaturateCast ScaleAndTranslate Scan
Scatter ScatterUpdate SearchSorted SegmentMax SegmentMin SegmentProd SegmentReduction
SegmentSum Select Selu SeparableConv Sigmoid Sign Signbit Silu Sin Sinc Sinh Size Slice
SliceUpdate Slogdet SobelEdges SoftShrink Softplus Softsign Solve SolveTriangular Sort
SpaceToDepth SparseCategoricalCrossentropy SparsePlus SparseSigmoid Sparsemax Split Sqrt Square
Squareplus Squeeze Stack Std StochasticDepth StopGradient Sum Swapaxes Switch Take
TakeAlongAxis Tan Tanh TanhShrink Tensordot Threshold Tile TopK Trace Transpose Trapezoid Tril
Triu TrueDivide Trunc Unfold Unique UnravelIndex Unstack Vander Var Vdot VectorizedMap View
ViewAsComplex ViewAsReal Vsplit Vstack Where WhileLoop ZerosLike
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
OPS = frozenset(
    """
abs absolute adaptive_average_pool adaptive_max_pool add all allclose amax amin angle any
append arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argpartition
argsort array array_split associative_scan average average_pool bartlett batch_normalization
binary_crossentropy bincount bitwise_and bitwise_invert bitwise_left_shift bitwise_not
bitwise_or bitwise_right_shift bitwise_xor blackman broadcast_to cast categorical_crossentropy
cbrt cdist ceil celu cholesky cholesky_inverse clip concatenate cond conj conjugate conv
conv_transpose convert_to_numpy convert_to_tensor copy corrcoef correlate cos cosh
count_nonzero cross ctc_decode ctc_loss cumprod cumsum custom_gradient deg2rad depth_to_space
depthwise_conv det diag diagflat diagonal diff digitize divide divide_no_nan dot
dot_product_attention dsplit dstack dtype eig eigh einsum elu empty empty_like equal erf erfc
erfinv exp exp2 expand_dims expm1 extract_sequences eye fabs fft fft2 flip fliplr flipud floor
floor_divide fmax fmin fmod fold fori_loop full full_like gcd gelu geomspace get_item glu
greater greater_equal hamming hanning hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
heaviside histogram hsplit hstack hypot i0 identity ifft2 imag in_top_k inner inv irfft
is_tensor isclose isfinite isin isinf isnan isneginf isposinf isreal istft jvp kaiser kron
layer_normalization lcm ldexp leaky_relu left_shift less less_equal linspace log log10 log1p
log2 log_sigmoid log_softmax logaddexp logaddexp2 logdet logical_and logical_not logical_or
logical_xor logspace logsumexp lstsq lu_factor map matmul matrix_rank max max_pool maximum mean
median meshgrid min minimum mod moments moveaxis multi_hot multiply nan_to_num nanargmax
nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod
nanquantile nanstd nansum nanvar ndim negative nextafter nonzero norm normalize not_equal
one_hot ones ones_like outer pad percentile pinv polar power prod psnr ptp qr quantile rad2deg
ravel real rearrange reciprocal relu relu6 repeat reshape rfft right_shift rms_normalization
roll rot90 round rsqrt saturate_cast scan scatter scatter_update searchsorted segment_max
segment_min segment_prod segment_sum select selu separable_conv shape sigmoid sign signbit silu
sin sinc sinh size slice slice_update slogdet soft_shrink softmax softplus softsign solve
solve_triangular sort space_to_depth sparse_categorical_crossentropy sparse_plus sparse_sigmoid
sparsemax split sqrt square squareplus squeeze stack std stft stop_gradient subtract sum svd
swapaxes swish switch take take_along_axis tan tanh tanh_shrink tensordot threshold tile top_k
trace transpose trapezoid tri tril triu true_divide trunc unfold unique unravel_index unstack
vander var vdot vectorize vectorized_map view view_as_complex view_as_real vsplit vstack where
while_loop zeros zeros_like
""".split()
)
LAYER_FUNCTIONS = frozenset(
    """
Input add average concatenate deserialize dot maximum minimum multiply serialize subtract
""".split()
)
