"""Batches of shifted and mirrored images, reproducible by epoch and index."""

from __future__ import annotations

import keras
import numpy as np

from tfxai.data.preprocessing import Preprocessing


class AugmentedBatches(keras.utils.PyDataset):
    """The training images of one epoch, shuffled, shifted and mirrored.

    Shifts by up to a tenth of the height and width and mirrors left to right, with
    `ImageDataGenerator`. What batch `index` of epoch `epoch` holds depends on these two
    and the seed alone, so that a run that is resumed sees what an unbroken one saw.

    Args:
        images: (N, H, W, C) uint8 pixels.
        labels: (N,) whole numbers.
        preprocessing: Preprocessing of the pixels for the model.
        batch_size: Images per batch; the last one of an epoch may have fewer.
        seed: Seed of everything random.
        epoch: Number of the epoch, from 0.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        preprocessing: Preprocessing,
        batch_size: int,
        seed: int,
        epoch: int,
    ) -> None:
        super().__init__()
        # Keras' legacy generator is reachable through tf.keras alone
        from tensorflow.keras.preprocessing.image import ImageDataGenerator

        self._generator = ImageDataGenerator(
            width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True
        )
        self._images, self._labels = images, labels
        self._preprocessing = preprocessing
        self._batch_size = batch_size
        draws = np.random.default_rng((seed, epoch))
        self._order = draws.permutation(len(images))
        self._seeds = draws.integers(2**32, size=len(images))

    def __len__(self) -> int:
        return -(-len(self._images) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        place = slice(index * self._batch_size, (index + 1) * self._batch_size)
        chosen = self._order[place]
        batch = self._preprocessing.apply(self._images[chosen])
        for image, seed in zip(batch, self._seeds[place], strict=True):
            transform = self._generator.get_random_transform(image.shape, seed=int(seed))
            image[...] = self._generator.apply_transform(image, transform)
        return batch, self._labels[chosen]
