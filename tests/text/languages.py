"""Small random language models of KerasHub, with tokenizers that know a few words."""

from __future__ import annotations

import functools
import io
from typing import Any

import keras
import numpy as np
import pytest

LENGTH = 16
PROMPT, CONTINUATION = "The capital of France is", " Paris and the"
_WORDS = ("The", "Ġcap", "ital", "Ġof", "ĠFrance", "Ġis", "ĠParis", "Ġand", "Ġthe")


def byte_pairs() -> tuple[dict[str, int], list[str]]:
    """A vocabulary with a token for each word but "capital", which is two; and its merges."""
    vocabulary = {"<|pad|>": 0, "<|endoftext|>": 1}
    merges = []
    for word in _WORDS:
        for letter in word:
            vocabulary.setdefault(letter, len(vocabulary))
        for end in range(2, len(word) + 1):
            merge = f"{word[: end - 1]} {word[end - 1]}"
            merges += [merge] * (merge not in merges)
            vocabulary.setdefault(word[:end], len(vocabulary))
    return vocabulary, merges


def sentence_pieces() -> bytes:
    """A SentencePiece model of a few sentences, with the special tokens that Gemma has."""
    sentencepiece = pytest.importorskip("sentencepiece")
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([PROMPT + CONTINUATION, "The capital is of Paris and France"] * 9),
        model_writer=made, vocab_size=12, model_type="word", minloglevel=2,
        pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="<pad>", bos_piece="<bos>",
        eos_piece="<eos>", unk_piece="<unk>",
    )  # fmt: skip
    return made.getvalue()


def gpt2(models: Any) -> tuple[Any, Any, Any]:
    vocabulary, merges = byte_pairs()
    tokenizer = models.GPT2Tokenizer(vocabulary=vocabulary, merges=merges)
    preprocessor = models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=LENGTH)
    backbone = models.GPT2Backbone(
        vocabulary_size=len(vocabulary), num_layers=1, num_heads=2, hidden_dim=8,
        intermediate_dim=16, max_sequence_length=LENGTH,
    )  # fmt: skip
    return models.GPT2CausalLM, backbone, preprocessor


def llama(models: Any) -> tuple[Any, Any, Any]:
    vocabulary, merges = byte_pairs()
    tokenizer = models.GPT2Tokenizer(vocabulary=vocabulary, merges=merges)
    preprocessor = models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=LENGTH)
    backbone = models.LlamaBackbone(
        vocabulary_size=len(vocabulary), num_layers=1, num_query_heads=2, num_key_value_heads=1,
        hidden_dim=8, intermediate_dim=16,
    )  # fmt: skip
    return models.LlamaCausalLM, backbone, preprocessor


def gemma(models: Any) -> tuple[Any, Any, Any]:
    tokenizer = models.GemmaTokenizer(proto=sentence_pieces())
    preprocessor = models.GemmaCausalLMPreprocessor(tokenizer, sequence_length=LENGTH)
    backbone = models.GemmaBackbone(
        vocabulary_size=tokenizer.vocabulary_size(), num_layers=1, num_query_heads=2,
        num_key_value_heads=1, hidden_dim=8, intermediate_dim=16, head_dim=4,
    )  # fmt: skip
    return models.GemmaCausalLM, backbone, preprocessor


KINDS = {"gpt2": gpt2, "llama": llama, "gemma": gemma}


def made(name: str) -> Any:
    """A new model with random weights."""
    models = pytest.importorskip("keras_hub").models
    keras.utils.set_random_seed(2)
    task, backbone, preprocessor = KINDS[name](models)
    model = task(backbone, preprocessor=preprocessor)
    rng = np.random.default_rng(7)
    for variable in model.trainable_variables:
        if not any(word in variable.path for word in ("gamma", "norm", "scale")):
            variable.assign(rng.normal(scale=0.4, size=variable.shape))
    return model


@functools.cache
def language(name: str) -> Any:
    """The model of that name, for tests that leave it as it is."""
    return made(name)


def log_probabilities(model: Any, before: list[int], after: list[int]) -> np.ndarray:
    """(N,) of the tokens behind others, from the model's logits without padding."""
    ids = np.array([[*before, *after]])
    logits = np.asarray(model({"token_ids": ids, "padding_mask": np.ones_like(ids)}), np.float64)[
        0, len(before) - 1 : -1
    ]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances = powers / powers.sum(axis=1, keepdims=True)
    return np.log(chances[np.arange(len(after)), after])


def ids_of(model: Any, text: str) -> list[int]:
    """Ids of a text, without special tokens."""
    return [int(one) for one in np.asarray(model.preprocessor.tokenizer(text))]


def start_of(model: Any) -> int:
    """Id of the start token."""
    return int(model.preprocessor.tokenizer.start_token_id)
