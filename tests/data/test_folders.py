import numpy as np
import pytest
from PIL import Image

from tfxai.data.folders import labelled_files, load_images
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning


@pytest.fixture
def tree(tmp_path):
    """Two classes; every image has one colour, its own."""
    for name, grey, size in (("dog/b", 20, 4), ("dog/a", 10, 4), ("cat/z", 30, 4)):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (size, size), (grey,) * 3).save(path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "cat" / "notes.txt").touch()
    return tmp_path


def test_classes_and_images_come_in_the_order_of_their_names(tree):
    images, labels, classes = load_images(tree)
    assert classes == ("cat", "dog")
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1, 1]
    assert images.shape == (3, 4, 4, 3)
    assert images[:, 0, 0, 0].tolist() == [30, 10, 20]


@pytest.mark.parametrize(("size", "shape"), [(8, (8, 8)), ((6, 2), (6, 2))])
def test_images_are_brought_to_the_size(tree, size, shape):
    Image.new("RGB", (9, 5), (40,) * 3).save(tree / "dog" / "c.png")
    images, labels, _ = load_images(tree, size)
    assert images.shape == (4, *shape, 3)
    assert labels.tolist() == [0, 1, 1, 1]
    np.testing.assert_array_equal(images[3], np.full((*shape, 3), 40))


def test_images_of_different_sizes_need_a_size(tree):
    Image.new("RGB", (9, 5)).save(tree / "dog" / "c.png")
    with pytest.raises(InvalidInputError, match=r"c.png' is 5x9 .*before it are 4x4. Pass size="):
        load_images(tree)


def test_a_class_without_images_is_named(tree):
    (tree / "eel").mkdir()
    with pytest.raises(InvalidInputError, match=r"eel' holds no image"):
        load_images(tree)


def test_a_file_that_is_no_image_is_named(tree):
    (tree / "cat" / "text.png").write_text("hello")
    with pytest.raises(InvalidInputError, match=r"text.png' is not an image"):
        load_images(tree)


def test_what_is_no_tree_is_refused(tree):
    with pytest.raises(DataNotFoundError, match=r"There is no folder"):
        load_images(tree / "none")
    with pytest.raises(InvalidInputError, match=r"is not a folder"):
        load_images(tree / "notes.txt")
    with pytest.raises(InvalidInputError, match=r"holds no folders"):
        load_images(tree / "cat")


def _named(tree):
    found = labelled_files(tree)
    return [(str(path.relative_to(tree)), label) for path, label in found]


def test_images_beside_class_folders_are_listed_without_a_class(tree):
    Image.new("RGB", (4, 4)).save(tree / "stray.png")
    (tree / "notes.txt").unlink()
    (tree / "cat" / "notes.txt").unlink()
    classes = [("cat/z.png", "cat"), ("dog/a.png", "dog"), ("dog/b.png", "dog")]
    assert _named(tree) == [("stray.png", None), *classes]
    (tree / "stray.png").unlink()
    assert _named(tree) == classes
    assert _named(tree / "dog") == [("a.png", None), ("b.png", None)]


def test_what_is_left_out_of_a_folder_is_told(tree):
    (tree / "dog" / "deep" / "er").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tree / "dog" / "deep" / "er" / "x.png")
    (tree / "dog" / "gone.png").symlink_to(tree / "nothing.png")
    (tree / "eel").mkdir()
    with pytest.warns(TfxaiWarning) as warned:
        assert len(_named(tree)) == 3
    assert str(warned[0].message) == (
        f"Left out of {str(tree)!r}: 2 files not named like images, such as 'notes.txt'; "
        "1 link to nothing, 'dog/gone.png'; 1 folder in a class folder, 'dog/deep'; "
        "1 folder with no image directly in it, 'eel'."
    )


def test_folders_of_which_none_holds_an_image_are_refused(tree):
    with pytest.raises(InvalidInputError, match="holds no image"):
        labelled_files(tree / ".cache")
    (tree / ".cache" / "cat").mkdir()
    with pytest.raises(InvalidInputError, match="holds no image"):
        labelled_files(tree / ".cache")
    (tree / ".cache" / "train" / "cat").mkdir(parents=True)
    with pytest.raises(InvalidInputError, match=r"not searched\. Pass .* such as '.*cache/train'"):
        labelled_files(tree / ".cache")
    with pytest.raises(DataNotFoundError, match="There is no folder"):
        labelled_files(tree / "none")
