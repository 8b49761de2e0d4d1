"""The figures of the recognition in the documentation are those of the recorded trees."""

from tests.golden.figures import _SETS, FIGURES, document
from tests.golden.trees import FOLDER


def test_the_figures_of_recognition_are_made_from_the_recorded_trees() -> None:
    assert FIGURES.read_text(encoding="utf-8") == document(), "write it anew: make docs"


def test_no_recorded_tree_is_left_out_of_the_figures() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == _SETS.keys()
