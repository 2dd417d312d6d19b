from choi_d2.pictures import size_error


def test_a_turn_of_90_degrees_says_exif():
    error = size_error((40, 60), (60, 40), path="a.jpg", image=7)
    assert "EXIF" in error.problem and "60 x 40" in error.problem and "40 x 60" in error.problem
    assert "exiftool" in error.hint and "exchange" in error.hint
    assert error.path == "a.jpg" and error.image == 7


def test_another_size_does_not():
    for expected in ((40, 61), (60, 41), (41, 40)):
        assert "EXIF" not in str(size_error((40, 60), expected))
