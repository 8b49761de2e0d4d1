from tests.faults.matrix import LOST, TABLE, table


def test_the_table_of_faults_is_made_from_the_tests() -> None:
    text = table()
    assert TABLE.read_text(encoding="utf-8") == text, "write it anew: make docs"
    for name in LOST:
        assert name.removeprefix("test_").replace("_", " ") in text
