import types

import numpy as np
import pytest

from tfxai.data import cifar10
from tfxai.data.cifar10 import CLASSES, find_data_dir, load_cifar10, lossy_images
from tfxai.errors import DataNotFoundError, InvalidInputError


@pytest.fixture
def no_copy(monkeypatch, tmp_path):
    """No copy of tensorflow-datasets."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TFXAI_TEST_DATA", raising=False)
    return tmp_path


@pytest.fixture
def nowhere(no_copy, monkeypatch):
    """No copy, and no network."""

    def no_network(split):
        raise OSError("no route to host\nsecond line")

    monkeypatch.setattr(cifar10, "_from_keras", no_network)
    return no_copy


def prepare(folder):
    """What a prepared copy looks like from outside."""
    (folder / "cifar10" / "3.0.2").mkdir(parents=True)
    (folder / "cifar10" / "3.0.2" / "dataset_info.json").touch()
    return folder


def examples(count, start=0):
    """Examples in a shuffled order, image n full of n."""
    order = np.random.default_rng(0).permutation(np.arange(start, count))
    for number in order:
        image = np.full((32, 32, 3), number % 251, np.uint8)
        yield {"id": f"test_{number:05d}".encode(), "image": image, "label": number % 10}


def test_images_come_in_their_original_order(nowhere, monkeypatch):
    prepare(nowhere / "tfds")
    monkeypatch.setattr(cifar10, "_examples", lambda split, folder: examples(10_000))
    images, labels = load_cifar10("test")
    assert images.shape == (10_000, 32, 32, 3)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(labels, np.arange(10_000) % 10)
    np.testing.assert_array_equal(images[:, 5, 7, 1], np.arange(10_000) % 251)


def test_a_copy_that_lacks_images_is_not_used(nowhere, monkeypatch):
    prepare(nowhere / "tfds")
    monkeypatch.setattr(cifar10, "_examples", lambda split, folder: examples(10_000, start=3))
    with pytest.raises(DataNotFoundError, match=r"3 of its 10000 test images are missing"):
        load_cifar10("test")


def test_keras_is_asked_when_there_is_no_prepared_copy(no_copy, monkeypatch):
    import keras

    def load_data():
        pair = np.full((4, 32, 32, 3), 9, np.uint8), np.array([[3], [1], [0], [2]], np.uint8)
        return (pair[0] + 1, pair[1]), pair

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", load_data)
    images, labels = load_cifar10("test")
    assert labels.tolist() == [3, 1, 0, 2]
    assert labels.dtype == np.int64
    assert images[0, 0, 0].tolist() == [9, 9, 9]
    assert load_cifar10("train")[0][0, 0, 0].tolist() == [10, 10, 10]


def test_when_nothing_can_be_had_the_error_names_both_and_the_variable(nowhere):
    with pytest.raises(DataNotFoundError) as caught:
        load_cifar10("train")
    sentence = str(caught.value)
    assert f"tensorflow-datasets found no cifar10 in {nowhere / 'tfds'} or" in sentence
    assert "keras.datasets.cifar10 could not fetch it: no route to host. Set" in sentence
    assert "Set TFDS_DATA_DIR to a folder" in sentence
    assert "\n" not in sentence


def test_a_folder_that_is_named_is_the_only_one_looked_in(nowhere, monkeypatch):
    prepare(nowhere / "tfds")
    with pytest.raises(DataNotFoundError, match=r"no cifar10 in .*elsewhere"):
        load_cifar10("test", data_dir=nowhere / "elsewhere")


def test_folders_are_tried_in_their_order(nowhere, monkeypatch):
    assert find_data_dir() is None
    home = prepare(nowhere / "tensorflow_datasets")
    assert find_data_dir() == home
    monkeypatch.setenv("TFXAI_TEST_DATA", str(nowhere / "shared"))
    shared = prepare(nowhere / "shared" / "data" / "tensorflow_datasets")
    assert find_data_dir() == shared
    assert find_data_dir(prepare(nowhere / "own")) == nowhere / "own"
    assert find_data_dir() != prepare(nowhere / "tfds") == find_data_dir()


def test_a_missing_tensorflow_datasets_is_no_reason_to_fail(nowhere, monkeypatch):
    import sys

    prepare(nowhere / "tfds")
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    answer = (np.zeros((1, 32, 32, 3), np.uint8), np.zeros(1, np.int64))
    monkeypatch.setattr(cifar10, "_from_keras", lambda split: answer)
    assert load_cifar10("test") is answer
    with pytest.raises(DataNotFoundError, match=r"not installed \(pip install 'tfxai\[data\]'\)"):
        load_cifar10("test", data_dir=nowhere / "tfds")


def test_an_unknown_split_is_refused():
    with pytest.raises(
        InvalidInputError, match=r"'validation' is not a split .* 'train' or 'test'"
    ):
        load_cifar10("validation")


def test_images_stored_as_jpeg_are_counted(nowhere, monkeypatch):
    assert lossy_images("test") == 0
    prepare(nowhere / "tfds")
    fake = types.SimpleNamespace(decode=types.SimpleNamespace(SkipDecoding=object))
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_datasets", fake)
    stored = [{"image": start} for start in (b"\xff\xd8\xff\xe0", b"\x89PNG", b"\xff\xd8\xff")]
    monkeypatch.setattr(cifar10, "_examples", lambda *args, **options: iter(stored))
    assert lossy_images("test") == 2


@pytest.mark.data
@pytest.mark.slow
def test_image_5113_of_the_real_test_split_is_a_frog(test_data):
    images, labels = load_cifar10("test", test_data / "data" / "tensorflow_datasets")
    assert CLASSES[labels[5113]] == "Frog"
    assert np.bincount(labels).tolist() == [1000] * 10
    assert images.shape == (10_000, 32, 32, 3)
    assert images[5113].std() > 20
