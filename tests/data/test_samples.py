import importlib.util

import numpy as np
import pytest

from tfxai.data.samples import SAMPLES, sample_image
from tfxai.errors import DataNotFoundError, UnknownNameError


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_a_colour_photograph(name):
    image = sample_image(name)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert np.ptp(image.astype(int), axis=-1).max() > 30  # not grey
    assert image.std() > 20


def test_the_cat_is_scikit_images_cat():
    skimage_data = pytest.importorskip("skimage.data")
    np.testing.assert_array_equal(sample_image("chelsea"), skimage_data.chelsea())


def test_an_unknown_sample_is_refused_with_near_names():
    with pytest.raises(
        UnknownNameError, match=r"no sample image 'chelsee'. Did you mean 'chelsea'"
    ):
        sample_image("chelsee")


def test_without_scikit_image_the_install_line_is_given(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataNotFoundError, match=r"pip install --force-reinstall scikit-image"):
        sample_image("chelsea")
