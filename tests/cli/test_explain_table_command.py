"""`tfxai explain --csv FILE --row N`: rows of a table."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

import tfxai
from tfxai import Attribution

NAMES = ["width", "height", "depth", "weight"]
PEOPLE = "income,hours,code,age\n1,40.0,01234,39\n0,10.5,NA,61\n1,0.0,777,20\n,5.0,,33\n"


@pytest.fixture
def numbers(place):
    """Five rows of the four columns that the model takes, and their class."""
    rows = np.random.default_rng(0).normal(size=(5, 4)).round(3)
    frame = pd.DataFrame(rows, columns=NAMES).assign(label=range(5))
    frame.to_csv("numbers.csv", index=False)
    return frame


@pytest.fixture
def people(place):
    (place / "people.csv").write_text(PEOPLE)
    return pd.read_csv("people.csv", dtype={"code": str}, keep_default_na=False)


def explain(run, *words):
    """What --json printed about each row."""
    done = run("explain", *words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_rows_get_the_values_that_python_gives(run, place, numbers, models):
    rows = ("--csv", "numbers.csv", "--row", 3, "--row", 1, "--row", 3, "--drop", "label")
    methods = ("-m", "integrated_gradients", "-m", "kernel_shap", "--target", 2)
    records = explain(run, "table", *rows, *methods)
    assert [(record["csv"], record["row"]) for record in records] == [
        ("numbers.csv", 3), ("numbers.csv", 1)
    ]  # fmt: skip
    subject = tfxai.load(models / "table.keras")
    answers = subject.predict(numbers[NAMES])
    for record in records:
        row = record["row"]
        best = record["predictions"][0]
        assert best["probability"] == pytest.approx(answers[row].max(), rel=1e-5)
        for method in (tfxai.IntegratedGradients(), tfxai.KernelSHAP()):
            stored = Attribution.load(f"out/explain/numbers-row-{row}.{method.name}.npz")
            expected = method(subject, numbers[NAMES].iloc[[row]], target=2)
            np.testing.assert_allclose(stored.values, expected.values, rtol=1e-4, atol=1e-6)
            assert stored.columns == expected.columns
            assert stored.feature_names == NAMES
    assert "numbers-row-3.explained.png" in files(place / "out/explain")


def test_columns_of_several_types_are_taken_by_name(run, place, people, models):
    words = ("--csv", "people.csv", "--row", 0, "--row", 1, "-m", "feature_ablation")
    records = explain(run, "columns", *words, "--format", "npz", "--format", "json")
    subject = tfxai.load(models / "columns.keras")
    for record in records:
        row = record["row"]
        given = people[["age", "hours", "code"]].iloc[[row]]
        expected = tfxai.FeatureAblation()(subject, given)
        stored = Attribution.load(f"out/explain/people-row-{row}.feature_ablation.npz")
        assert stored.inputs["code"].tolist() == [[["01234"], ["NA"]][row]]
        for name in ("age", "hours", "code"):
            np.testing.assert_allclose(
                stored.values[name], expected.values[name], rtol=1e-4, atol=1e-6
            )
        assert stored.to_pandas().columns.tolist() == ["age", "hours", "code"]
        text = json.loads((place / f"out/explain/people-row-{row}.explained.json").read_text())
        assert (text["csv"], text["row"]) == ("people.csv", row)


def test_the_terminal_lists_columns_with_their_inputs_and_values(run, people):
    words = ("--csv", "people.csv", "--row", "0", "--format", "npz")
    done = run("explain", "columns", *words, "-m", "gradient_input", "-m", "feature_ablation")
    assert done.exit_code == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["Column", "Input", "gradient_input", "feature_ablation"] in lines
    stored = [
        Attribution.load(f"out/explain/people-row-0.{name}.npz").to_pandas()
        for name in ("gradient_input", "feature_ablation")
    ]
    (hours,) = (line for line in lines if line[:1] == ["hours"])
    assert hours == ["hours", "40", *(f"{frame['hours'][0]:+.4g}" for frame in stored)]
    (code,) = (line for line in lines if line[:1] == ["code"])  # held fast by the gradient
    assert code == ["code", "01234", f"{stored[1]['code'][0]:+.4g}"]


def test_a_summary_of_rows_names_the_table(run, place, numbers):
    words = ("--csv", "numbers.csv", "--row", "0", "--row", "2", "--drop", "label")
    records = explain(run, "table", *words, "-m", "saliency", "--format", "csv")
    with (place / "out/explain/summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["csv"], row["row"]) for row in rows] == [
        ("numbers.csv", "0"), ("numbers.csv", "2")
    ]  # fmt: skip
    for row, record in zip(rows, records, strict=True):
        assert float(row["score"]) == pytest.approx(record["explanations"][0]["score"])


def test_a_bad_row_is_left_out_where_that_is_asked_for(run, people):
    words = ("--csv", "people.csv", "--row", "3", "--row", "9", "--row", "2", "--skip-bad")
    done = run("explain", "columns", *words, "-m", "feature_ablation", "--json")
    assert done.exit_code == 1
    assert [record["row"] for record in json.loads(done.stdout)] == [2]
    assert "2 of 3 were left out" in done.stderr
    assert "people.csv row 3: Column 'code' misses 1 of 1 values" in done.stderr
    assert "There is no row 9 in 'people.csv', which has rows 0 to 3." in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["table", "--csv", "no.csv", "--row", "0"], "There is no file 'no.csv'. Pass --csv"),
        (["table", "--csv", "numbers.csv", "--row", "5"], "no row 5 in 'numbers.csv', which has"),
        (["table", "--csv", "numbers.csv", "--row", "-1"], "There is no row -1 in"),
        (["table", "--csv", "numbers.csv"], "No row of 'numbers.csv' is asked for. Pass --row N"),
        (["table", "--csv", "empty.csv", "--row", "0"], "'empty.csv' cannot be read as a CSV"),
        (["table", "--csv", ".", "--row", "0"], "'.' cannot be read as a CSV file"),
        (["table", "--csv", "header.csv", "--row", "0"], "which has no row below its names"),
        (["table", "--csv", "wide.csv", "--row", "0"], "'wide.csv' cannot be read as a CSV file"),
        (["table", "--csv", "long.csv", "--row", "0"], "'long.csv' cannot be read as a CSV file"),
        (["table", "--csv", "latin.csv", "--row", "0"], "Pass a file of UTF-8 text"),
        (
            ["table", "--csv", "numbers.csv", "--row", "0", "--drop", "labl"],
            "There is no column 'labl' of 'numbers.csv'. Did you mean 'label'?",
        ),
        (
            ["table", "--csv", "numbers.csv", "--row", "0"],
            "takes 4. Leave out those that it does not take, such as the label, by --drop NAME.",
        ),
        (
            ["columns", "--csv", "numbers.csv", "--row", "0"],
            "takes one of the name 'age'. Rename the columns.",
        ),
        (
            ["columns", "--csv", "people.csv", "--row", "3"],
            "people.csv row 3: Column 'code' misses 1 of 1 values.",
        ),
        (
            ["tiny", "--csv", "numbers.csv", "--row", "0"],
            "takes (B, 32, 32, 3) as its input 'input_layer",
        ),
        (["table", "photo.png", "--csv", "numbers.csv", "--row", "0"], "IMAGE is about images"),
        (["table", "--row", "0"], "--row is about a table, and no table came. Pass --csv FILE"),
        (["table"], "Nothing came to explain. Pass an IMAGE, or rows of a table: --csv FILE"),
        (
            ["table", "--csv", "numbers.csv", "--row", "0", "--true-label"],
            "--true-label is about images, and --csv came.",
        ),
        (
            ["table", "--csv", "numbers.csv", "--row", "0", "--seed", "0"],
            "--seed is about images, and --csv came.",
        ),
    ],
    ids=lambda one: " ".join(one)[:40] if isinstance(one, list) else "",
)
def test_what_cannot_be_explained_is_refused(fails, place, numbers, people, words, sentence):
    (place / "empty.csv").write_text("")
    (place / "header.csv").write_text("width,height,depth,weight\n")
    (place / "wide.csv").write_text("a,b,c,d\n1,2,3,4\n1,2,3,4,5,6\n")
    (place / "long.csv").write_text("a,b,c,d\n1,2,3,4,5\n6,7,8,9,0\n")
    (place / "latin.csv").write_bytes("größe,b,c,d\n1,2,3,4\n".encode("latin-1"))
    assert sentence in fails("explain", *words, "-m", "saliency")


def test_an_address_is_not_fetched(fails):
    words = ("--csv", "http://127.0.0.1:9/numbers.csv", "--row", "0", "-m", "saliency")
    assert "There is no file 'http:/127.0.0.1:9/numbers.csv'" in fails("explain", "table", *words)


def test_a_table_is_not_replaced_by_the_summary_of_its_run(fails, place, numbers):
    (place / "numbers.csv").rename(place / "summary.csv")
    words = ("--csv", "summary.csv", "--row", "0", "-m", "saliency", "--out", ".")
    assert "Choose another folder by --out" in fails("explain", "table", *words)
