from agent.core.jsontext import duplicate_keys, line_of, positions

TEXT = '{\n  "a": [1, {"b": "x"}],\n  "c/d": true}'


def test_every_value_has_its_line_and_column() -> None:
    assert positions(TEXT) == {
        "": (1, 1),
        "/a": (2, 8),
        "/a/0": (2, 9),
        "/a/1": (2, 12),
        "/a/1/b": (2, 18),
        "/c~1d": (3, 10),
    }


def test_of_duplicate_keys_the_last_one_has_the_place_and_the_others_are_told() -> None:
    text = '{"a": {"x": 1},\n "a": {"x": 2}, "b": {"y": 1, "y": 2}}'
    assert line_of(text, "/a") == 2
    assert duplicate_keys(text) == [("/a", 1, 7), ("/b/y", 2, 28)]
    assert duplicate_keys(TEXT) == []


def test_text_that_is_not_json_has_places_as_far_as_it_goes() -> None:
    assert positions('{"a": 1, ]')["/a"] == (1, 7)
    assert positions("") == {}
