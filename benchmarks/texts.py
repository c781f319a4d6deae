"""Token attributions over the bare passes that they need, and their memory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from rich.console import Console
from rich.table import Table

import tfxai
from benchmarks.memory import peak_memory
from benchmarks.timing import interleaved, milliseconds, ratio
from tfxai.tokens import PADDING

STEPS = 50
TOKENS = 48
ROUNDS = 15
SENTENCE = (
    "the film is slow and the actors are bad but its ending is a moving and clever surprise "
)
_TABLES = ("words/embeddings", "token_embedding/embeddings")
METHODS = {
    f"integrated_gradients, {STEPS} steps": (tfxai.IntegratedGradients(steps=STEPS), STEPS),
    "gradient_input": (tfxai.GradientInput(), 1),
    "libra_grad": (tfxai.LibraGrad(), 1),
    "lrp, attn_lrp": (tfxai.LRP(rule="attn_lrp"), 1),
    "attention_rollout": (tfxai.AttentionRollout(), 1),
    "gradient_rollout": (tfxai.GradientRollout(), 1),
}


def main() -> None:
    """Prints a table for each model of texts that is at hand."""
    console = Console(width=100)
    subjects = {"sst2_transformer": tfxai.load("sst2_transformer")}
    preset = Path(os.environ.get("TFXAI_TEST_DATA", ""), "models/minilm_sst2")
    if preset.is_dir():
        subjects["MiniLM"] = tfxai.load(preset)
    for name, subject in subjects.items():
        console.print(token_table(name, subject))
    console.print(text_memory_table())


def token_table(name: str, subject: tfxai.Subject) -> Table:
    """Each method on a sentence of 48 tokens: its time over its bare passes."""
    text = _sentence(subject)
    given = subject.encoder.encode([text]).given()
    bare, work = _bare_pass(subject.of_ids), {}
    for label, (method, rows) in METHODS.items():
        work[label] = lambda method=method: method(subject, [text], target=1)
        batch = tf.nest.map_structure(lambda one, rows=rows: tf.repeat(one, rows, axis=0), given)
        work[f"bare {rows}"] = lambda batch=batch: bare(batch)
    times = interleaved(work, ROUNDS)
    table = Table(title=f"{name}, {TOKENS} tokens, {ROUNDS} rounds")
    for column in ("method", "passes", "ms", "bare ms", "over bare", "min-max"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for label, (_, rows) in METHODS.items():
        middle, low, high = ratio(times[label], times[f"bare {rows}"])
        table.add_row(
            label,
            str(rows),
            milliseconds(times[label]),
            milliseconds(times[f"bare {rows}"]),
            f"{middle:.2f}",
            f"{low:.2f}-{high:.2f}",
        )
    return table


def text_memory_table() -> Table:
    """Peak resident memory with few steps, and with ten times as many."""
    table = Table(title="Peak resident memory, one sentence, sst2_transformer")
    for column in ("call", "MiB", "over the first"):
        table.add_column(column, justify="left" if column == "call" else "right")
    first = 0.0
    for steps in (STEPS, 10 * STEPS):
        call = f"IntegratedGradients(steps={steps})"
        _, peak = peak_memory(call, "sst2_transformer", f"[{SENTENCE!r}]")
        first = first or peak
        table.add_row(call, f"{peak:.0f}", f"{peak / first:.2f}")
    return table


def _sentence(subject: tfxai.Subject) -> str:
    """A text of 48 tokens, special ones included."""
    words: list[str] = []
    for word in itertools.cycle(SENTENCE.split()):
        encoded = subject.encoder.encode([" ".join([*words, word])])
        if encoded.notes or (encoded.tokens.kinds != PADDING).sum() > TOKENS:  # cut, or too long
            break
        words.append(word)
        if len(words) == TOKENS:
            break
    return " ".join(words)


def _bare_pass(model: Any) -> Callable[[Any], tf.Tensor]:
    """One compiled pass forward, and back to the vectors of the tokens."""
    (table,) = (one.value for one in model.trainable_variables if one.path.endswith(_TABLES))

    @tf.function(autograph=False)
    def gradient(ids: Any) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(table)
            score = tf.reduce_sum(model(ids, training=False)[:, 1])
        return tape.gradient(score, table).values

    return gradient


if __name__ == "__main__":
    main()
