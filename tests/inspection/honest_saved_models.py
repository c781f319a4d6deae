"""SavedModels that honest people save, of every kind: a scan lets all of them through."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

v1 = tf.compat.v1
FLOATS = [tf.TensorSpec([None], tf.float32, name="x")]


def exported(model: keras.Model, path: Path) -> None:
    model.export(str(path), verbose=False)


def called(body, path: Path, spec=FLOATS, **tracked) -> None:
    """A module whose one signature is `body`."""
    module = tf.Module()
    for name, value in tracked.items():
        setattr(module, name, value)
    module.serve = tf.function(lambda x: {"y": body(x)}, input_signature=spec)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})


def with_normalization(path: Path) -> None:
    x = inputs = keras.Input((3,))
    norm = layers.Normalization()
    norm.adapt(np.arange(12.0).reshape(4, 3))
    x = layers.Rescaling(2.0)(norm(x))
    exported(
        keras.Model(inputs, layers.Discretization([0.0, 1.0], output_mode="one_hot")(x)), path
    )


def with_images(path: Path) -> None:
    x = inputs = keras.Input((8, 8, 3))
    x = layers.RandomFlip()(layers.RandomRotation(0.1)(layers.Resizing(6, 6)(x)))
    x = layers.Conv2D(2, 3, activation="relu")(layers.CenterCrop(4, 4)(x))
    exported(keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Dropout(0.1)(x))), path)


def with_lookups(path: Path) -> None:
    words, numbers = keras.Input((1,), dtype="string"), keras.Input((1,), dtype="int64")
    first = layers.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot")(words)
    second = layers.IntegerLookup(vocabulary=[1, 2, 5], output_mode="multi_hot")(numbers)
    third = layers.Hashing(5, output_mode="multi_hot")(numbers)
    joined = layers.Concatenate()([first, second, third])
    exported(keras.Model([words, numbers], layers.Dense(2)(joined)), path)


def with_text(path: Path) -> None:
    words = keras.Input((), dtype="string")
    make = layers.TextVectorization(ngrams=2, output_sequence_length=4, vocabulary=["a", "b"])
    exported(keras.Model(words, layers.Embedding(6, 3)(make(words))), path)


def with_loops(path: Path) -> None:
    x = words = keras.Input((None,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(x)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.MultiHeadAttention(2, 4)(x, x)
    exported(keras.Model(words, layers.GRU(2, dropout=0.1)(x)), path)


def with_table_of_a_file(path: Path) -> None:
    file = path.with_suffix(".txt")
    file.write_text("a\nb\n")
    kind = tf.lookup.TextFileIndex
    source = tf.lookup.TextFileInitializer(
        str(file), tf.string, kind.WHOLE_LINE, tf.int64, kind.LINE_NUMBER
    )
    table = tf.lookup.StaticVocabularyTable(source, 2)
    called(lambda x: table.lookup(tf.as_string(x)), path, table=table)


def with_table_that_changes(path: Path) -> None:
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, 0.0)
    table.insert(["a"], [1.0])
    dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, -2, -3)
    static = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(["a", "b"]), tf.constant([1.0, 2.0])), 0.0
    )
    called(
        lambda x: table.lookup(tf.as_string(x)) + static.lookup(tf.as_string(x)),
        path, table=table, dense=dense, static=static,
    )  # fmt: skip


def with_decoded_images(path: Path) -> None:
    def decoded(texts):
        def one(text):
            image = tf.io.decode_image(text, channels=3, expand_animations=False)
            return tf.image.resize(tf.ensure_shape(image, (None, None, 3)), (8, 8))

        return tf.map_fn(one, texts, fn_output_signature=tf.float32)

    called(decoded, path, [tf.TensorSpec([None], tf.string, name="x")])


def with_examples(path: Path) -> None:
    spec = {"a": tf.io.FixedLenFeature([2], tf.float32), "b": tf.io.VarLenFeature(tf.int64)}

    def read(texts):
        found = tf.io.parse_example(texts, spec)
        return found["a"] + tf.cast(tf.sparse.reduce_sum(found["b"]), tf.float32)

    called(read, path, [tf.TensorSpec([None], tf.string, name="x")])


def with_randomness_and_checks(path: Path) -> None:
    generator = tf.random.Generator.from_seed(1)

    def noisy(x):
        tf.debugging.assert_non_negative(x)
        noise = generator.normal(tf.shape(x)) + tf.random.normal(tf.shape(x))
        noise += tf.random.stateless_uniform(tf.shape(x), (1, 2))
        tables = tf.TensorArray(tf.float32, 2).write(0, 1.0).write(1, 2.0)
        return tf.debugging.check_numerics(x + noise + tf.reduce_sum(tables.stack()), "no number")

    called(noisy, path, generator=generator)


def with_strings_and_ragged(path: Path) -> None:
    def count(texts):
        words = tf.strings.split(tf.strings.regex_replace(tf.strings.lower(texts), "[^a-z ]", ""))
        return tf.ragged.map_flat_values(tf.strings.length, words).to_tensor()

    called(count, path, [tf.TensorSpec([None], tf.string, name="x")])


def with_training(path: Path) -> None:
    """A step of training as a signature: it writes variables, and nothing else."""
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    module = tf.Module()
    module.kept = [v.value for v in model.variables + optimizer.variables]

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x) ** 2)
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)
        return {"loss": loss}

    tf.saved_model.save(module, str(path), signatures={"train": step})


def with_own_gradient(path: Path) -> None:
    @tf.custom_gradient
    def doubled(x):
        return 2 * x, lambda g: 3 * g

    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    module = tf.Module()
    module.serve = tf.function(lambda x: {"y": doubled(x)}, input_signature=FLOATS)
    tf.saved_model.save(module, str(path), signatures=module.serve, options=options)


def with_adaptation(path: Path) -> None:
    """A function that takes an iterator, as layers of Keras 2 learn a mean by."""
    module = tf.Module()
    module.mean = tf.Variable(0.0)
    spec = tf.data.IteratorSpec(tf.TensorSpec([None], tf.float32))

    @tf.function(input_signature=[spec])
    def adapt_step(iterator):
        module.mean.assign_add(tf.reduce_mean(next(iterator)))

    module.adapt_step = adapt_step
    module.serve = tf.function(lambda x: {"y": x - module.mean}, input_signature=FLOATS)
    tf.saved_model.save(module, str(path), signatures=module.serve)


def with_nothing_kept(path: Path) -> None:
    called(tf.nn.relu, path)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def of_tensorflow_1(path: Path, savers: int = 1) -> None:
    """Variables, a table of a file, several savers, in a graph that a session ran."""
    file = path.with_suffix(".txt")
    file.write_text("a\nb\n")
    with _quiet(), tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.string, [None], name="x")
        name = tf.constant(str(file), name="vocabulary")
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, name)
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
        filled = tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=table, filename=name, key_index=-2, value_index=-1
        )
        w = v1.get_variable("w", (3, 2), initializer=v1.ones_initializer(), use_resource=False)
        unknown = tf.constant(0, tf.int64)
        found = tf.raw_ops.LookupTableFindV2(table_handle=table, keys=x, default_value=unknown)
        y = tf.gather(w, found)
        kept = [v1.train.Saver() for _ in range(savers)]
        session.run([v1.global_variables_initializer(), filled])
        builder = v1.saved_model.Builder(str(path))
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=tf.group(filled), saver=kept[-1],
        )  # fmt: skip
        builder.save()


def of_tensorflow_1_with_savers(path: Path) -> None:
    of_tensorflow_1(path, savers=3)


SAVED: dict[str, Callable[[Path], None]] = {
    function.__name__.removeprefix("with_"): function
    for function in (
        with_normalization, with_images, with_lookups, with_text, with_loops,
        with_table_of_a_file, with_table_that_changes, with_decoded_images, with_examples,
        with_randomness_and_checks, with_strings_and_ragged, with_training, with_own_gradient,
        with_adaptation, with_nothing_kept, of_tensorflow_1, of_tensorflow_1_with_savers,
    )
}  # fmt: skip
